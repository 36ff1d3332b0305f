"""The crates of the extension: what may be among them, and the notices that their licences ask for.

``python -m tools.crates.check`` holds the dependency tree to the lists of ``deny.toml``;
``python -m tools.crates.notices`` renews ``THIRD_PARTY_NOTICES``.
"""
