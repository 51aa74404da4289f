"""Puts the built web app into the wheel, where ``vidwiz.settings`` looks for it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "vidwiz/_web"


class WebApp(BuildHookInterface[Any]):
    """Hatch's hook; an editable install serves ``frontend/dist`` itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the build; a wheel without it is made too, and says so."""
        built = Path(self.root) / "frontend" / "dist"
        if version == "editable":
            return
        if (built / "index.html").is_file():
            build_data["force_include"][str(built)] = INSIDE
        else:
            self.app.display_warning("frontend/dist is not built: the wheel has no web app")
