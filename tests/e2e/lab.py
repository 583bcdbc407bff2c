"""The lab's parts for a test: each behind a proxy of the test's own that can go down, and come back, at a chosen moment.

The parts are asked directly what is so (tools/demo/parts.py), never by way of the proxy or of Tidegate.
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import Callable

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.append(str(TOOLS / "demo"))
from parts import Host, Neo4j, Registry  # noqa: E402

NEEDED = ("TIDEGATE_REGISTRY", "TIDEGATE_TRAINING_HOST", "MLFLOW_TRACKING_URI", "NEO4J_HTTP_URL", "DOCKER_HOST")


def missing() -> str:
    """Why there is no lab for a test; empty when there is one."""
    absent = [name for name in NEEDED if not os.environ.get(name)]
    return f"no lab: {absent[0]} is not set (tools/lab/lab env)" if absent else ""


class Broken(Exception):
    """The connection breaks after these bytes."""

    def __init__(self, last: bytes):
        super().__init__("broken")
        self.last = last


class Proxy:
    """Passes TCP connections on, until it is down: then they are reset, and new ones are refused.

    `fault`, when set, is asked for each piece of an answer: the bytes that are passed on instead, or Broken.
    """

    def __init__(self, target: tuple[str, int], address: str = "127.0.0.1"):
        self.target, self.address, self.port = target, address, 0
        self.connections: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.listener: socket.socket | None = None
        self.fault: Callable[[bytes], bytes] | None = None
        self.up()

    @property
    def place(self) -> str:
        return f"{self.address}:{self.port}"

    def up(self) -> None:
        if self.listener is not None:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def down(self) -> None:
        if self.listener is None:
            return
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        listener.close()
        with self.lock:
            for connection in self.connections:
                # Shut down rather than closed: the threads that use it close it.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, listener), daemon=True).start()

    def _serve(self, client: socket.socket, listener: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self.lock:
            self.connections |= {client, server}
            late = self.listener is not listener
        if not late:
            other = threading.Thread(target=self._pump, args=(server, client, True), daemon=True)
            other.start()
            self._pump(client, server, False)
            other.join()
        with self.lock:
            self.connections -= {client, server}
            client.close()
            server.close()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                fault = self.fault if answers else None
                try:
                    sink.sendall(fault(data) if fault else data)
                except Broken as broken:
                    sink.sendall(broken.last)
                    raise ConnectionError("broken here") from broken
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def place_of(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


class Lab:
    """A registry, a training host, MLflow and Neo4j behind proxies, and what a server needs to use them."""

    def __init__(self, folder: Path):
        env = dict(os.environ)
        self.env, self.folder = env, folder
        self.registry_proxy = Proxy(place_of("https://" + env["TIDEGATE_REGISTRY"]))
        self.ssh_proxy = Proxy((env["TIDEGATE_TRAINING_HOST"], 22))
        # The training host asks MLflow too: an address that it can reach.
        self.mlflow_proxy = Proxy(place_of(env["MLFLOW_TRACKING_URI"]), env["TIDEGATE_LAB_IP"])
        self.neo4j_proxy = Proxy(place_of(env["NEO4J_HTTP_URL"]))
        self.registry, self.neo4j = Registry(env), Neo4j(env)
        self.host = Host(env, "training-host")
        self.docker_certs = Path(env["TIDEGATE_LAB"]) / "docker" / "certs.d" / self.registry_place
        self._trust()
        self._write_ssh_config()
        self.docker_config = folder / "docker"
        self.docker_config.mkdir()

    @property
    def registry_place(self) -> str:
        return f"localhost:{self.registry_proxy.port}"

    def _trust(self) -> None:
        """The Docker daemon reads the registry's authority from here, by the name that the image has."""
        self.docker_certs.mkdir(parents=True)
        shutil.copy(self.env["TIDEGATE_REGISTRY_CA"], self.docker_certs / "ca.crt")

    def _write_ssh_config(self) -> None:
        self.ssh_config = self.folder / "ssh_config"
        self.ssh_config.write_text(
            f"Host test-host\n  HostName {self.ssh_proxy.address}\n  Port {self.ssh_proxy.port}\n"
            f"  HostKeyAlias training-host\n  User {self.env['TIDEGATE_SSH_USER']}\n"
            f"  IdentityFile {self.env['TIDEGATE_SSH_KEY']}\n  IdentitiesOnly yes\n  BatchMode yes\n"
            f"  UserKnownHostsFile {self.env['TIDEGATE_SSH_KNOWN_HOSTS']}\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n")

    def server_options(self) -> str:
        env = self.env
        return (f"registry: {{ host: '{self.registry_place}', user: '{env['TIDEGATE_REGISTRY_USER']}', "
                f"password: '{env['TIDEGATE_REGISTRY_PASSWORD']}', cert_dir: '{self.docker_certs}' }}\n"
                f"ssh: {{ config: '{self.ssh_config}' }}\n"
                f"neo4j: {{ url: 'http://{self.neo4j_proxy.place}', user: '{env['NEO4J_USER']}', "
                f"password: '{env['NEO4J_PASSWORD']}', database: '{env['NEO4J_DATABASE']}' }}\n"
                f"mlflow: {{ url: 'http://{self.mlflow_proxy.place}', poll: 1s }}\n")

    def all_up(self) -> None:
        for proxy in (self.registry_proxy, self.ssh_proxy, self.mlflow_proxy, self.neo4j_proxy):
            proxy.fault = None
            proxy.up()

    def close(self) -> None:
        for proxy in (self.registry_proxy, self.ssh_proxy, self.mlflow_proxy, self.neo4j_proxy):
            proxy.down()
        shutil.rmtree(self.docker_certs, ignore_errors=True)
        names = f"reference={self.registry_place}/*/*/*"
        found = subprocess.run(["docker", "images", "-q", "--filter", names], capture_output=True, text=True).stdout.split()
        if found:
            subprocess.run(["docker", "rmi", "-f", *sorted(set(found))], capture_output=True)
