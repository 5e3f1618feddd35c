"""What handlers are given: the request of a known user, and the desk."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from dashboards.console.desk import Desk
from dashboards.console.users import User

Asking = Request[User, Any, Any]
AtDesk = NamedDependency[Desk]
