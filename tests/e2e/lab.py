"""A real JupyterLab on loopback, a real kernel and Debian's Chromium, without internet or shared settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
_IDLE = """() => {
    const widget = window.jupyterapp?.shell.currentWidget;
    const kernel = widget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
_RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
_SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
_SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs ?? [])
    .filter(output => output.output_type === "error")
    .map(output => output.traceback.join("\\n"))"""
_ASK = """async expression => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const reply = await kernel.requestExecute({
        code: "", silent: true, store_history: false, user_expressions: {asked: expression},
    }).done;
    const asked = reply.content.user_expressions?.asked ?? reply.content;
    if (asked.status !== "ok") throw new Error(`${asked.ename}: ${asked.evalue}`);
    return asked.data["text/plain"];
}"""
_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_VIOLATIONS = """async selector => {
    const found = await window.axe.run(selector, {resultTypes: ["violations"]});
    return found.violations
        .filter(violation => ["serious", "critical"].includes(violation.impact))
        .flatMap(violation => violation.nodes.map(node => `${violation.id}: ${violation.help}: ${node.html}`));
}"""
_COLOR = re.compile(r"\x1b\[[\d;]*m")


class LabServer:
    """JupyterLab over a folder, with its own home so that no user settings apply."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = "e2e"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._home = Path(tempfile.mkdtemp(prefix="lab-"))
        self._log = self._home / "lab.log"

    def __enter__(self) -> LabServer:
        folders = {
            name: self._home / name.lower()
            for name in (
                "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
                "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR",
            )
        }  # fmt: skip
        for folder in folders.values():
            folder.mkdir()
        settings = folders["JUPYTERLAB_SETTINGS_DIR"]
        _write(settings / "@jupyterlab/apputils-extension/notification", {"fetchNews": "false"})
        _write(settings / "@jupyterlab/notebook-extension/tracker", {"windowingMode": "none"})
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root",
                "--ip=127.0.0.1", f"--port={self.url.rpartition(':')[2]}",
                "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
                f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
                "--LabApp.extension_manager=readonly", "--LabApp.news_url=None",
                "--ServerApp.terminals_enabled=False",
            ],
            env={**os.environ, **{name: str(folder) for name, folder in folders.items()}},
            stdout=self._log.open("w"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        for _ in range(600):
            if self._answers():
                return self
            try:  # waits, but stops early if the server has exited
                self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            break
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start: {self._log.read_text()[-3000:]}")

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(30)
        shutil.rmtree(self._home, ignore_errors=True)

    def write(self, *cells: str) -> str:
        """Write a notebook of code cells and return its name."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": kernel},
        )
        name = f"{uuid.uuid4().hex}.ipynb"
        nbformat.write(notebook, self.root / name)
        return name

    def _answers(self) -> bool:
        request = urllib.request.Request(
            f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False


class Page:
    """A notebook that is open in Chromium."""

    def __init__(self, server: LabServer, playwright: Any, *, dark: bool = False) -> None:
        self._server = server
        self._browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        scheme = "dark" if dark else "light"
        self.page = self._browser.new_page(
            viewport={"width": 1280, "height": 960}, color_scheme=scheme, device_scale_factor=2
        )
        self.page.set_default_timeout(60_000)
        self.external: list[str] = []
        self.page.on("request", self._note)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()

    def open(self, notebook: str, *, app: str = "lab") -> None:
        """Open a notebook, in JupyterLab or (`app="notebook"`) Notebook 7, and wait for its kernel."""
        path = {"lab": f"lab/tree/{notebook}?reset&", "notebook": f"notebooks/{notebook}?"}[app]
        self.page.goto(f"{self._server.url}/{path}token={self._server.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(_IDLE)

    def run_all(self) -> None:
        """Run all cells, up to the end or the first error."""
        self.page.evaluate(_RUN_ALL)
        self.page.wait_for_function(_IDLE)

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate(_SAVE)

    def shut_down(self) -> None:
        """Shut the kernel of the notebook down."""
        self.page.evaluate(_SHUT_DOWN)

    def errors(self) -> list[str]:
        """Return the errors of the cells as the kernel reported them, without colors."""
        return [_COLOR.sub("", error) for error in self.page.evaluate(_ERRORS)]

    def kernel(self, expression: str) -> str:
        """Return the repr of an expression, evaluated in the kernel without a cell."""
        return str(self.page.evaluate(_ASK, expression))

    def check_accessibility(self, selector: str) -> None:
        """Check a part of the page with axe-core, which must find no serious or critical violation."""
        if not self.page.evaluate("() => 'axe' in window"):
            # Evaluated, because the page's content security policy may block a script element.
            self.page.evaluate(_AXE.read_text())
        violations = self.page.evaluate(_VIOLATIONS, selector)
        assert violations == [], "\n".join(violations)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(
            (self._server.url, "ws://127.0.0.1", "data:", "blob:", "file:")
        ):
            self.external.append(request.url)


def _write(setting: Path, value: dict[str, Any]) -> None:
    setting.parent.mkdir(parents=True, exist_ok=True)
    setting.with_name(f"{setting.name}.jupyterlab-settings").write_text(json.dumps(value))
