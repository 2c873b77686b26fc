"""A small Grafana 13 for tests, from what its HTTP API documentation says of the calls we use."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glsa_editor"


class FakeGrafana:
    """Folders, dashboards, datasources, annotations in memory; numeric ids answer as Grafana 13 does."""

    def __init__(self, prefix: str = "") -> None:
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.folder_of: dict[str, str] = {}
        self.datasources: dict[str, dict[str, Any]] = {}
        self.annotations: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.status: int | None = None
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                parts = urlsplit(self.path)
                fake.requests.append(f"{self.command} {self.path}")
                if fake.status is not None:
                    status, answer = fake.status, {"message": "on fire"}
                elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    status, answer = 401, {"message": "Invalid API key"}
                elif not parts.path.startswith(f"{prefix}/api"):
                    status, answer = 404, {"message": "Not found"}
                else:
                    path = parts.path.removeprefix(f"{prefix}/api")
                    status, answer = fake.answer(self.command, path, parse_qs(parts.query), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any  # noqa: N815  (http.server finds methods by these names)

            def log_message(self, *words: object) -> None:
                """Quiet: the requests are kept in a list."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        words = [unquote(word) for word in path.strip("/").split("/")]
        match (method, *words):
            case ("GET", "folders", uid):
                if uid not in self.folders:
                    return 404, {"message": "folder not found"}
                return 200, {"id": 1, "uid": uid, "title": self.folders[uid]}
            case ("POST", "folders"):
                if body["uid"] in self.folders:
                    return 412, {"message": "a folder with that uid already exists"}
                self.folders[body["uid"]] = body["title"]
                return 200, {"id": 1, **body}
            case ("POST", "dashboards", "db"):
                return self._put(body)
            case ("GET", "dashboards", "uid", uid):
                if uid not in self.dashboards:
                    return 404, {"message": "Dashboard not found"}
                return 200, {"dashboard": self.dashboards[uid], "meta": {"folderUid": self.folder_of[uid]}}
            case ("GET", "search"):
                wanted = query.get("query", [""])[0].lower()
                return 200, [
                    {"uid": uid, "title": d["title"], "url": f"/d/{uid}", "type": "dash-db"}
                    for uid, d in self.dashboards.items()
                    if wanted in d["title"].lower() and all(tag in d["tags"] for tag in query.get("tag", ()))
                ]
            case ("GET", "datasources", "name", name):
                if name not in self.datasources:
                    return 404, {"message": "Data source not found"}
                return 200, self.datasources[name]
            case ("POST", "datasources"):
                made = {"id": 7, **{k: v for k, v in body.items() if k != "secureJsonData"}}
                self.datasources[body["name"]] = made
                return 200, {"datasource": made, "message": "Datasource added"}
            case ("POST", "annotations"):
                self.annotations.append(body)
                return 200, {"id": len(self.annotations), "message": "Annotation added"}
        # datasources by number, folders by number, alert-notifications: gone
        return 404, {"message": "Not found"}

    def _put(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        dashboard = body["dashboard"]
        uid = dashboard["uid"]
        if not dashboard.get("title"):
            return 400, {"message": "Dashboard title cannot be empty"}
        if uid in self.dashboards and not body.get("overwrite"):
            return 412, {"message": "A dashboard with the same uid already exists", "status": "name-exists"}
        folder = body.get("folderUid", "")  # folderId is ignored: the dashboard lands in General
        if folder and folder not in self.folders:
            return 400, {"message": "folder not found"}
        self.dashboards[uid] = dashboard
        self.folder_of[uid] = folder
        return 200, {"id": 5, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": 1}
