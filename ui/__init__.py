"""Every face of the product: terminal, HTTP API and web chat. The heavy libraries are imported by what needs them."""


def version() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fineprint")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
