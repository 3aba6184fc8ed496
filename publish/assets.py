"""Fetch the JavaScript that the decks load: pinned npm packages, checked, cached, and copied beside the decks.

Nothing of it is kept in the repository. The first call needs the network, later ones read the cache.
"""

import tarfile
from dataclasses import dataclass
from pathlib import Path

import pooch

from publish.files import write_file

REGISTRY = "https://registry.npmjs.org"
CACHE = Path(pooch.os_cache("rnn-course")) / "npm"


class AssetError(Exception):
    """A package could not be had; the message says why and what to do."""


@dataclass(frozen=True)
class Package:
    """One npm package at one version, and which of its files the decks need.

    `files` maps a path inside the package to its path in the vendor folder.
    """

    name: str
    version: str
    sha256: str
    licence: str
    files: dict

    @property
    def archive(self):
        """The file name of the package at the registry."""
        return f"{self.name.split('/')[-1]}-{self.version}.tgz"

    @property
    def url(self):
        """Where the registry keeps the package."""
        return f"{REGISTRY}/{self.name}/-/{self.archive}"


PACKAGES = (
    Package(
        "reveal.js",
        "5.2.1",
        "359b575dd51bbda32f89b2fd4c7dc46ad7389a805572158916c29252f7a27333",
        "MIT, Copyright Hakim El Hattab and reveal.js contributors",
        {
            "dist/reveal.js": "reveal/reveal.js",
            "dist/reveal.css": "reveal/reveal.css",
            "plugin/notes/notes.js": "reveal/notes.js",
            "LICENSE": "reveal/LICENSE",
        },
    ),
    Package(
        "mathjax",
        "3.2.2",
        "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
        "Apache-2.0, Copyright The MathJax Consortium",
        {"es5/tex-svg-full.js": "mathjax/tex-svg-full.js", "LICENSE": "mathjax/LICENSE"},
    ),
    Package(
        "requirejs",
        "2.3.7",
        "31f3330c978fb28684622fe71165dc946432cf0210b2ea8a1ca0233e70f2737d",
        "MIT, Copyright jQuery Foundation and other contributors",
        {"require.js": "widgets/require.js"},
    ),
    Package(
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "2b9d65cb7913e1c7d671757a10008b32c9c2448d4429513371e55c07d6107638",
        "BSD-3-Clause, Copyright Project Jupyter Contributors",
        {
            "dist/embed-amd.js": "widgets/embed-amd.js",
            "dist/embed.js.LICENSE.txt": "widgets/embed.js.LICENSE.txt",
            # Icons of buttons: the solid face of Font Awesome, which the script asks for by this name.
            "dist/d878b0a6a1144760244f.woff2": "widgets/d878b0a6a1144760244f.woff2",
        },
    ),
)


def install_vendor(folder, packages=PACKAGES, cache=CACHE):
    """Put the decks' JavaScript into a folder, unless it is there already.

    Args:
        folder: the vendor folder beside the decks; made if missing.
        packages: what to put there.
        cache: folder that keeps the downloaded archives.

    Raises:
        AssetError: if a package is not cached and cannot be downloaded, or its content is not the pinned one.
    """
    notice = Path(folder) / "README.md"
    text = _notice(packages)
    if notice.exists() and notice.read_text("utf-8") == text:
        return
    for package in packages:
        _extract(_archive(package, Path(cache)), package, Path(folder))
    # Written last: where it stands, everything else does.
    write_file(notice, text.encode())


def _archive(package, cache):
    """Return the path of the package's archive, downloaded if need be."""
    try:
        return Path(pooch.retrieve(package.url, f"sha256:{package.sha256}", package.archive, cache))
    except ValueError as error:
        raise AssetError(f"{package.url} is not the file that this course was made with: {error}") from error
    except OSError as error:
        raise AssetError(
            f"Slides need {package.name} {package.version}, which is not in the cache ({cache}) and cannot be "
            f"downloaded from {package.url}: {error}\n"
            "Connect to the internet once and run the command again; afterwards slides are built offline."
        ) from error


def _extract(archive, package, folder):
    """Write the needed files of an archive into the folder."""
    with tarfile.open(archive) as packed:
        for member, name in package.files.items():
            write_file(folder / name, packed.extractfile(f"package/{member}").read())


def _notice(packages):
    """Return the text that names what lies in the vendor folder and under which licence."""
    lines = [f"- {p.name} {p.version}: {p.licence} ({', '.join(p.files.values())}); from {p.url}" for p in packages]
    return "\n".join(["# Third-party software used by the slide decks", "", *lines, ""])
