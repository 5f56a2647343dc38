"""The Streamlit pages. Nothing outside this folder imports streamlit."""
