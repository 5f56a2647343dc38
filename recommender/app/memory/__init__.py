"""The memory panel in the sidebar. The app imports this package only when DEBUG_MEMORY=true."""
