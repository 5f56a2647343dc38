"""`python -m recommender.cli`: the command line without its installed script."""

import sys

from recommender.cli.main import main

sys.exit(main())
