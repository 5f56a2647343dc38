import pytest
from streamlit.testing.v1 import AppTest

from recommender.app.components import query_params


def script() -> None:
    import streamlit as st

    from recommender.app.components import query_params

    sizes = {"small": "작은", "large": "큰"}
    query_params.arrive(st.session_state.get("page", "first"))
    query_params.restore("size", sizes, usual="small")
    size = st.segmented_control(
        "size", list(sizes), default="small" if "size" not in st.session_state else None, key="size"
    )
    query_params.show("size", size, default="small")
    query_params.restore("tags", ["a", "b", "c"], many=True)
    query_params.show("tags", st.multiselect("tags", ["a", "b", "c"], key="tags"))
    query_params.restore_numbers("count", 1, 9, 5)
    query_params.show("count", st.slider("count", 1, 9, key="count"), default=5)
    query_params.restore_numbers("span", 0.0, 1.0, (0.0, 1.0))
    st.slider("span", 0.0, 1.0, step=0.1, key="span")
    query_params.show("span", st.session_state["span"], default=(0.0, 1.0))
    query_params.write()


def opened(**query: object) -> AppTest:
    app = AppTest.from_function(script)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def state(app: AppTest) -> tuple[str, list[str]]:
    return app.segmented_control(key="size").value, app.multiselect(key="tags").value


def numbers(app: AppTest) -> tuple[int, tuple[float, float]]:
    return app.slider(key="count").value, app.slider(key="span").value


def test_the_default_is_not_in_the_address() -> None:
    app = opened()
    assert state(app) == ("small", [])
    assert numbers(app) == (5, (0.0, 1.0))
    assert app.query_params == {}


def test_the_widgets_take_what_the_address_names() -> None:
    app = opened(size="large", tags=["c", "a"], count="7", span=["0.25", "0.5"])
    assert state(app) == ("large", ["c", "a"])
    assert numbers(app) == (7, (0.25, 0.5))
    assert app.query_params == {
        "size": "large",
        "tags": ["c", "a"],
        "count": "7",
        "span": ["0.25", "0.5"],
    }


def test_what_is_no_option_is_taken_out_of_the_address() -> None:
    app = opened(size="huge", tags=["z", "b"])
    assert state(app) == ("small", ["b"])
    assert app.query_params == {"tags": "b"}


@pytest.mark.parametrize(
    ("count", "span"),
    list(
        zip(
            ["0", "10", "7.5", "many", "", ["3", "4"], "9" * 5000],
            ["0.5", ["0.5", "2"], ["nan", "nan"], ["a", "b"], ["0"] * 3, "", ["many", "0.5"]],
            strict=True,
        ),
    ),
)
def test_what_is_off_the_scale_is_taken_out_of_the_address(count: object, span: object) -> None:
    app = opened(count=count, span=span)
    assert numbers(app) == (5, (0.0, 1.0))
    assert app.query_params == {}


def test_the_address_takes_what_the_widgets_say() -> None:
    app = opened(size="large", tags="b", other="stays")
    app.multiselect(key="tags").set_value(["b", "c"]).run()
    app.slider(key="span").set_value((0.3, 1.0)).run()
    assert app.query_params == {
        "size": "large",
        "tags": ["b", "c"],
        "span": ["0.3", "1"],
        "other": "stays",
    }
    app.segmented_control(key="size").set_value("small").run()
    app.multiselect(key="tags").set_value([]).run()
    app.slider(key="span").set_value((0.0, 1.0)).run()
    assert app.query_params == {"other": "stays"}


def test_the_widget_is_ahead_of_the_address_of_its_page() -> None:
    app = opened(size="large", count="7")
    app.segmented_control(key="size").set_value("small")
    app.slider(key="count").set_value(8)
    app.run()
    # A quick second click: what the first one put into the address is still on its way.
    app.query_params.update({"size": "large", "count": "7"})
    app.slider(key="count").set_value(9).run()
    assert (state(app)[0], numbers(app)[0]) == ("small", 9)
    assert app.query_params == {"count": "9"}


@pytest.mark.parametrize("named", ["large", "small"])
def test_what_another_page_brings_counts_more_than_the_widget(named: str) -> None:
    app = opened(size="large", count="7")
    app.session_state["page"] = "second"
    app.query_params.update({"size": named, "count": "3"})
    app.run()
    assert (state(app)[0], numbers(app)[0]) == (named, 3)


def test_an_address_that_says_nothing_leaves_the_widgets_as_they_are() -> None:
    app = opened(size="large", tags=["a"], count="7")
    app.session_state["page"] = "second"
    app.query_params.clear()  # as when the visitor comes from another page
    app.run()
    assert state(app) == ("large", ["a"])
    assert numbers(app)[0] == 7
    assert app.query_params == {"size": "large", "tags": "a", "count": "7"}


def page_with_another_scale() -> None:
    import streamlit as st

    from recommender.app.components import query_params

    high = st.session_state.get("high", 9)
    query_params.arrive("")
    query_params.restore_numbers("count", 1, high, 5)
    st.slider("count", 1, high, key="count", persist_state="session")


def test_a_scale_that_ends_earlier_than_before_puts_the_slider_where_it_usually_is() -> None:
    app = AppTest.from_function(page_with_another_scale)
    app.query_params.update({"count": "9"})
    assert app.run().slider(key="count").value == 9
    app.session_state["high"] = 8
    app.run()
    assert not app.exception
    assert app.slider(key="count").value == 5


def page_with_a_name() -> None:
    import streamlit as st

    from recommender.app.components import query_params

    query_params.arrive("")
    query_params.restore("who")
    query_params.show("who", st.text_input("who", key="who", persist_state="session"))


def test_without_options_any_text_is_taken() -> None:
    app = AppTest.from_function(page_with_a_name)
    app.query_params.update({"who": "anybody"})
    assert app.run().text_input(key="who").value == "anybody"


def test_back_to_an_address_from_before_a_choice_undoes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    app.segmented_control(key="size").set_value("large")
    app.multiselect(key="tags").set_value(["a"])
    app.slider(key="count").set_value(7).run()
    assert app.query_params == {"size": "large", "tags": "a", "count": "7"}
    monkeypatch.setattr(query_params, "went_back", lambda: True)
    app.query_params.clear()
    app.run()
    assert state(app) == ("small", [])
    assert numbers(app) == (5, (0.0, 1.0))
    assert app.query_params == {}
