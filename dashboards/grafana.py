"""A running Grafana, by the calls of grafana-api that still live in Grafana 9 to 13."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.panels import Json
from dodac.errors import ConfigError, StorageError


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of Grafana, by its uid."""

    uid: str
    title: str


@dataclass(frozen=True, slots=True)
class Found:
    """A dashboard that a search found; url is its path on the server."""

    uid: str
    title: str
    url: str


def _parts(url: str) -> SplitResult | None:
    """The parts of a web address; None when it is none."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        return None
    return parts if good else None


class Grafana:
    """What dodac asks of Grafana; everything goes by uid.

    grafana-api's last release is of 2020. Its calls by numeric id are not used: Grafana 13 answers
    404 to datasources by id and ignores folderId (the dashboard would land in General).
    Raises ConfigError for a wrong address or token, StorageError when Grafana can't be reached or
    refuses.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float = 10.0) -> None:
        parts = _parts(url)
        if parts is None:
            raise ConfigError(
                f'"{url}" is no address of Grafana.', todo='Write e.g. "http://127.0.0.1:3000".'
            )
        if parts.username or parts.password:
            raise ConfigError("keep secrets out of the address: use --token-file.")
        prefix = parts.path.strip("/")
        name = parts.hostname or ""
        host = f"[{name}]" if ":" in name else name
        self._url = f"{parts.scheme}://{parts.netloc}/{prefix}"
        self._face = GrafanaFace(
            auth=token,
            host=host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=timeout_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._face.api.s.close()

    def ensure_folder(self, uid: str, title: str) -> Folder:
        """The folder of that uid, made when it is not there; its title is left as it is."""
        answer = self._ask(self._face.folder.get_folder, uid, missing=None)
        if answer is None:
            answer = self._ask(self._face.folder.create_folder, title, uid)
        return Folder(uid=str(answer["uid"]), title=str(answer["title"]))

    def put_dashboard(self, dashboard: Json, folder_uid: str, message: str = "") -> str:
        """Creates or replaces a dashboard by its uid; gives its path on the server."""
        answer = self._ask(
            self._face.dashboard.update_dashboard,
            {
                "dashboard": {**dashboard, "id": None},
                "folderUid": folder_uid,
                "overwrite": True,
                "message": message,
            },
        )
        return str(answer.get("url", ""))

    def dashboard(self, uid: str) -> Json | None:
        """A dashboard's JSON, None when there is none of that uid."""
        answer = self._ask(self._face.dashboard.get_dashboard, uid, missing=None)
        return None if answer is None else dict(answer["dashboard"])

    def search(self, words: str = "", tag: str = "") -> tuple[Found, ...]:
        """Dashboards by words of their title and by tag."""
        answer = self._ask(
            self._face.search.search_dashboards,
            query=quote(words, safe="") or None,  # grafana-api puts it into the address as it stands
            tag=quote(tag, safe="") or None,
            type_="dash-db",
        )
        return tuple(Found(str(a["uid"]), str(a["title"]), str(a.get("url", ""))) for a in answer)

    def datasource_uid(self, name: str) -> str | None:
        """The uid of the datasource of that name, None when there is none."""
        answer = self._ask(self._face.datasource.find_datasource, quote(name, safe=""), missing=None)
        return None if answer is None else str(answer["uid"])

    def create_datasource(self, datasource: Json) -> str:
        """Creates a datasource (secrets in secureJsonData); gives its uid."""
        answer = self._ask(self._face.datasource.create_datasource, datasource)
        return str(answer["datasource"]["uid"])

    def annotate(
        self,
        text: str,
        start_ns: int,
        end_ns: int | None = None,
        *,
        tags: tuple[str, ...] = ("dodac",),
        dashboard_uid: str | None = None,
    ) -> int:
        """Adds an annotation (a point, or a span with end_ns); gives its id.

        start_ns, end_ns: UTC; Grafana keeps milliseconds.
        """
        body: Json = {"text": text, "tags": list(tags), "time": start_ns // 1_000_000}
        if end_ns is not None:
            body["timeEnd"] = end_ns // 1_000_000
        if dashboard_uid is not None:
            body["dashboardUID"] = dashboard_uid
        # add_annotation of grafana-api knows dashboards by number only
        return int(self._ask(self._face.api.POST, "/annotations", json=body)["id"])

    def _ask(self, call: Any, *words: Any, missing: Any = ..., **named: Any) -> Any:
        """Calls grafana-api; `missing`, when given, is the answer to a 404."""
        try:
            return call(*words, **named)
        except GrafanaClientError as error:
            if error.status_code == 404 and missing is not ...:
                return missing
            if error.status_code in (401, 403):
                raise ConfigError(
                    f"Grafana at {self._url} refuses the token ({error.message}).",
                    todo="Give the token of a service account with the role Editor.",
                ) from None
            raise StorageError(f"Grafana at {self._url} refuses: {error.message}.") from None
        except GrafanaException as error:
            raise StorageError(f"Grafana at {self._url}: {error.message}.", todo="Try again later.") from None
        except (requests.RequestException, ValueError, TypeError) as error:
            # TypeError: grafana-api expects JSON even of a proxy's error page
            raise StorageError(
                f"Grafana at {self._url} can't be reached: {type(error).__name__}.",
                todo="Is it running, and is the address right?",
            ) from None
