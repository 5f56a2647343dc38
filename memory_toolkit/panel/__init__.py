"""The memory panel for a Streamlit app; `debug_memory.streamlit_panel` draws it.

Streamlit is imported only when it is drawn. HTML stands in for Streamlit's tables and charts, which
would bring pandas into the very process that is being measured.
"""
