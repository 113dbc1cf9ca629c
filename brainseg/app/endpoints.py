"""Addresses for programs, beside the pages: `/health` for a supervisor of the server, `/metrics` for Prometheus."""

from __future__ import annotations

import ipaddress

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from brainseg.operations.access import metrics_for_all

_NO_CACHE = {"Cache-Control": "no-store"}
_LOCAL_ONLY = "Only programs on this machine get the metrics: set BRAINSEG_METRICS=network to give them to all."


def health(request: Request) -> Response:
    """Answer with the state of the home; status 503 if something needs a person."""
    from brainseg.operations.metrics import WATCH

    found = WATCH.health()
    return JSONResponse(found.to_dict(), 200 if found.fine else 503, _NO_CACHE)


def metrics(request: Request) -> Response:
    """Answer with the metrics; by default only programs on this machine get them."""
    from brainseg.operations.metrics import exposition

    if not (_is_local(request) or metrics_for_all()):
        return PlainTextResponse(_LOCAL_ONLY, 403, _NO_CACHE)
    return Response(exposition(), 200, _NO_CACHE, CONTENT_TYPE_LATEST)


def _is_local(request: Request) -> bool:
    """Return whether a request comes from this machine; one that a proxy passes on counts as from elsewhere."""
    if request.client is None or "forwarded" in request.headers or "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host.split("%")[0]).is_loopback
    except ValueError:
        return False


# Starlette runs functions that are not coroutines in threads, so a slow store does not stop the pages.
ROUTES = [Route("/health", health), Route("/metrics", metrics)]
