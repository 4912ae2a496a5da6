"""Names of environments."""

from __future__ import annotations

import pytest

from screen.core.errors import SettingsError
from screen.environments.interpreters import environment_folder


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", ".."])
def test_a_path_is_no_name_of_an_environment(name: str) -> None:
    with pytest.raises(SettingsError, match="is no name of an environment"):
        environment_folder(name)
