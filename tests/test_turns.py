"""What a widget does waits for the running cell, also where the kernel hears widgets in a thread of their own."""

import pytest
from jupyter_client.manager import start_new_kernel

COMM = """
import threading
import time

from comm import create_comm


def answer(message):
    comm.send({})  # from now on the kernel hears this comm where this message was heard
    heard.append((threading.current_thread() is threading.main_thread(), running))


heard, running = [], False
comm = create_comm("planted")
comm.on_msg(answer)
"""
CELL = "running = True; print(flush=True); time.sleep(1.5); running = False"


@pytest.fixture
def kernel():
    """Run code in a kernel, and tell its comm something from a front end that uses a subshell."""
    manager, client = start_new_kernel()

    class Kernel:
        def run(self, code, **asked):
            reply = client.execute_interactive(
                code, user_expressions=asked, timeout=60, output_hook=lambda message: None
            )
            assert reply["content"]["status"] == "ok", reply["content"]
            return {name: answer["data"]["text/plain"] for name, answer in reply["content"]["user_expressions"].items()}

        def start(self, code):
            return client.execute(code)

        def subshell(self):
            client.control_channel.send(client.session.msg("create_subshell_request"))
            return client.get_control_msg(timeout=60)["content"]["subshell_id"]

        def tell(self, comm, subshell):
            message = client.session.msg("comm_msg", {"comm_id": comm, "data": {}})
            message["header"]["subshell_id"] = subshell
            client.shell_channel.send(message)
            return message["header"]["msg_id"]

        def wait_for(self, kind, message, **content):
            """Wait for what the kernel says about a message."""
            while True:
                said = client.get_iopub_msg(timeout=60)
                about = said["parent_header"].get("msg_id"), said["msg_type"]
                if about == (message, kind) and content.items() <= said["content"].items():
                    return

    yield Kernel()
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("first, in_turn", [("from course_utils import setup; setup(seed=0)", True), ("", False)])
def test_a_widget_reacts_between_cells_once_the_course_is_set_up(kernel, first, in_turn):
    kernel.run(first)
    kernel.run(first)
    comm = kernel.run(COMM, comm="comm.comm_id")["comm"].strip("'")
    subshell = kernel.subshell()
    kernel.wait_for("status", kernel.tell(comm, subshell), execution_state="idle")

    kernel.wait_for("stream", kernel.start(CELL))
    told = [kernel.tell(comm, subshell) for _ in range(2)]
    for message in told:
        kernel.wait_for("status", message, execution_state="idle")

    heard = eval(kernel.run("", heard="heard")["heard"])
    assert heard[1:] == [(in_turn, not in_turn)] * 2
