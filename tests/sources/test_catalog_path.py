"""Catalogs are found in a checkout and in an installed package."""

import pytest

from screen.core import catalogs
from screen.core.errors import CatalogError


def test_the_catalog_of_a_checkout_is_found():
    assert catalogs.catalog_path("phonondb_pbe_103.csv").is_file()


def test_the_catalog_of_an_installed_package_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "screen"
    for folder in (package / "_catalogs", package.parent / "catalogs"):
        folder.mkdir(parents=True)
        (folder / "some.csv").touch()
    monkeypatch.setattr(catalogs, "PACKAGE", package)
    assert catalogs.catalog_path("some.csv") == package / "_catalogs" / "some.csv"


def test_a_missing_catalog_names_both_places():
    with pytest.raises(CatalogError, match=r"no catalog 'none.csv' in .*_catalogs .*catalogs"):
        catalogs.catalog_path("none.csv")
