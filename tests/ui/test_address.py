import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from recommender.ui import address

    sizes = {"small": "작은", "large": "큰"}
    address.follow("size", sizes)
    size = st.segmented_control(
        "size", list(sizes), default="small" if "size" not in st.session_state else None, key="size"
    )
    address.show("size", size, default="small")
    address.follow("tags", ["a", "b", "c"], many=True)
    address.show("tags", st.multiselect("tags", ["a", "b", "c"], key="tags"))


def opened(**query: object) -> AppTest:
    app = AppTest.from_function(script)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def state(app: AppTest) -> tuple[str, list[str]]:
    return app.segmented_control(key="size").value, app.multiselect(key="tags").value


def test_the_default_is_not_in_the_address() -> None:
    app = opened()
    assert state(app) == ("small", [])
    assert app.query_params == {}


def test_the_widgets_take_what_the_address_names() -> None:
    app = opened(size="large", tags=["c", "a"])
    assert state(app) == ("large", ["c", "a"])
    assert app.query_params == {"size": "large", "tags": ["c", "a"]}


def test_what_is_no_option_is_taken_out_of_the_address() -> None:
    app = opened(size="huge", tags=["z", "b"])
    assert state(app) == ("small", ["b"])
    assert app.query_params == {"tags": "b"}


def test_the_address_takes_what_the_widgets_say() -> None:
    app = opened(size="large", tags="b", other="stays")
    app.multiselect(key="tags").set_value(["b", "c"]).run()
    assert app.query_params == {"size": "large", "tags": ["b", "c"], "other": "stays"}
    app.segmented_control(key="size").set_value("small").run()
    app.multiselect(key="tags").set_value([]).run()
    assert app.query_params == {"other": "stays"}


@pytest.mark.parametrize("named", ["large", "small"])
def test_a_new_address_counts_more_than_the_widget(named: str) -> None:
    app = opened(size="large")
    app.query_params["size"] = named
    app.run()
    assert state(app)[0] == named


def test_an_address_that_says_nothing_leaves_the_widgets_as_they_are() -> None:
    app = opened(size="large", tags=["a"])
    app.query_params.clear()  # as when the visitor comes from another page
    app.run()
    assert state(app) == ("large", ["a"])
    assert app.query_params == {"size": "large", "tags": "a"}


def page_with_a_name() -> None:
    import streamlit as st

    from recommender.ui import address

    address.follow("who")
    address.show("who", st.text_input("who", key="who", persist_state="session"))


def test_without_options_any_text_is_taken() -> None:
    app = AppTest.from_function(page_with_a_name)
    app.query_params.update({"who": "anybody"})
    assert app.run().text_input(key="who").value == "anybody"
