// The links and buttons of lists of movies, which are HTML of our own: a link changes the page
// without loading it anew, and a button's click goes to the server by the hidden text field.
if (!window.matineeListens) {
  window.matineeListens = true;

  // A page scrolls within an element, whose position no browser remembers: by address, so that Back
  // returns to where one was.
  const main = () => document.querySelector("[data-testid=stMain]");
  const places = {};
  let returning = false;

  const returnTo = (top) => {
    const place = () => { main().scrollTop = top; };
    const drawn = new MutationObserver(place);
    const hands = new AbortController();
    const stop = () => {
      returning = false;
      drawn.disconnect();
      hands.abort();
    };
    returning = true;
    drawn.observe(main(), { childList: true, subtree: true });
    for (const hand of ["wheel", "pointerdown", "keydown"]) {
      addEventListener(hand, stop, { capture: true, signal: hands.signal });
    }
    setTimeout(stop, 3000); // the server has drawn the page by then, or is too slow to wait for
    place();
  };

  document.addEventListener("scroll", ({ target }) => {
    if (target === main() && !returning) places[location.href] = target.scrollTop;
  }, true);
  addEventListener("popstate", ({ isTrusted }) => {
    if (isTrusted && location.href in places) returnTo(places[location.href]);
  }, true);

  const follow = (link) => {
    if (link.pathname !== location.pathname) main().scrollTop = 0;
    history.pushState({}, "", link.href);
    window.dispatchEvent(new PopStateEvent("popstate")); // Streamlit draws what the address says
  };

  // On a phone the side menu would lie on the page that it leads to, and take the next tap.
  const closeMenu = (clicked) => {
    if (innerWidth > 640 || !clicked.closest?.("[data-testid=stSidebarNavLink]")) return;
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
  };

  const send = (button) => {
    const field = document.querySelector(".st-key-clicks input");
    // What the server has not taken up yet goes along, so no quick second click loses the first.
    const clicks = JSON.parse(field.value || "[]");
    const id = Math.random().toString(36).slice(2);
    const { act, movie, value } = button.dataset;
    clicks.push([id, act, movie, value ?? ""]);
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    set.call(field, JSON.stringify(clicks)); // past React, which then hears of it
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  };

  // The list is drawn anew: whoever goes on by keyboard goes on where they were.
  const keepPlace = (button) => {
    const buttons = () => [...document.querySelectorAll(`.${button.closest("ul").className} button`)];
    const name = ({ dataset }) => [dataset.movie, dataset.value].join();
    const [place, named] = [buttons().indexOf(button), name(button)];
    new MutationObserver((_, observer) => {
      if (button.isConnected) return;
      observer.disconnect();
      if (document.activeElement !== document.body) return;
      const there = buttons();
      const next = there.find((other) => name(other) === named) ?? there[place];
      next?.focus({ preventScroll: true });
    }).observe(document.body, { childList: true, subtree: true });
  };

  document.addEventListener("click", (event) => {
    if (main()) places[location.href] = main().scrollTop;
    closeMenu(event.target);
    const target = event.target.closest?.("[class|=mt] a, [data-act]");
    if (!target) return;
    if (target.matches("button")) {
      keepPlace(target);
      send(target);
    } else if (!(event.button || event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      follow(target);
    }
  });

  // Stars are one stop of the tab key; the arrows go from star to star.
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  document.addEventListener("keydown", (event) => {
    const star = event.target.closest?.("[role=radio][data-act]");
    if (!star || !steps[event.key]) return;
    event.preventDefault();
    const all = [...star.parentElement.children];
    all[(all.indexOf(star) + steps[event.key] + all.length) % all.length].focus();
  });
}
