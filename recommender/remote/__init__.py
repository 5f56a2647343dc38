"""A bundle at an address: fetched into a cache on this machine, kept up to date, published.

What lies at the address is a bundle as `recommender.bundle.bundle` describes it, file by file, in
any storage that fsspec knows. What serves opens the copy in the cache. fsspec and aiohttp would
take 7 MB of the serving process for good, so they are imported by a child process that ends with
its task (`python -m recommender.remote`), and by `matinee publish`.
"""
