"""The smallest page that Streamlit draws on a click: what the framework itself can do."""

import streamlit as st

clicks = st.session_state.setdefault("clicks", 0)
if st.button("Again", key="again"):
    st.session_state.clicks = clicks + 1
st.write(f"{st.session_state.clicks} clicks")
