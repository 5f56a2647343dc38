// The head of every page: what is typed into its field is looked up at every pause, on the page of
// the results, where only these are drawn anew; and its menu closes when something else is clicked.
if (!window.matineeHead) {
  const PAUSE = 300; // milliseconds
  const form = () => document.querySelector(".mt-search");
  const menu = () => document.querySelector(".mt-menu");
  let timer = 0;

  const results = () => new URL(form().action);
  const onResults = () => location.pathname === results().pathname;

  // Back leads past all that was typed: the first letters are an entry, what follows replaces it.
  const search = () => {
    clearTimeout(timer);
    const [there, field] = [results(), form().elements[0]];
    const text = field.value.trim();
    if (text) there.searchParams.set(field.name, text);
    else if (!onResults()) return;
    if (there.href === location.href) return;
    document.querySelector("[data-testid=stMain]").scrollTop = 0;
    // The page has its own field once it is drawn; until then it is where the address leads.
    const own = onResults() && document.querySelector(".st-key-search input");
    history[onResults() ? "replaceState" : "pushState"]({}, "", there.href);
    if (own) window.matineeEnter(own, text);
    else window.dispatchEvent(new PopStateEvent("popstate")); // Streamlit draws what it says
  };

  // Say in the field what the address says.
  const show = () => {
    const field = form()?.elements[0];
    const named = onResults() && new URLSearchParams(location.search).get(field.name);
    if (field) field.value = named || "";
  };

  document.addEventListener("input", ({ target }) => {
    if (target.form !== form()) return;
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    search();
    if (matchMedia("(pointer: coarse)").matches) document.activeElement.blur(); // the keyboard goes
  });
  addEventListener("popstate", ({ isTrusted }) => {
    if (isTrusted || document.activeElement !== form()?.elements[0]) show();
  });

  document.addEventListener("click", ({ target }) => {
    if (menu()?.open && !target.closest?.(".mt-menu :is(summary, b)")) menu().open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !menu()?.open) return;
    menu().open = false;
    menu().querySelector("summary").focus();
  });
  window.matineeHead = { show };
}
window.matineeHead.show();
