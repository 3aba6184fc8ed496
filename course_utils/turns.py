"""Widgets and cells take turns."""

import asyncio
from threading import current_thread, main_thread

from IPython import get_ipython


def let_widgets_wait():
    """Let a widget react between cells, never while one runs.

    Newer kernels hear widgets in threads of their own (subshells). What a widget draws there gets mixed up with what
    the running cell draws: pyplot keeps one list of figures, and whoever is done first shows those of both, finished
    or not. Nor are matplotlib or the generators of random numbers made for two threads.
    """
    handlers = getattr(getattr(get_ipython(), "kernel", None), "shell_handlers", None)
    if handlers and handlers["comm_msg"].__module__ != __name__:
        handlers["comm_msg"] = _in_turn(handlers["comm_msg"], asyncio.get_running_loop())


def _in_turn(handle, loop):
    """A handler of messages that has its work done by the loop that runs the cells, and waits for it."""

    async def handle_in_loop(*message):
        return handle(*message)

    def handle_in_turn(*message):
        if current_thread() is main_thread():
            return handle(*message)
        # The thread waits, too: to messages that overtake, the kernel gives no sign when they are done.
        return asyncio.run_coroutine_threadsafe(handle_in_loop(*message), loop).result()

    return handle_in_turn
