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
    const { key } = link.dataset; // the link changes this part of the address, and keeps the rest
    const there = new URL(key ? location.href : link.href);
    if (key) there.searchParams.delete(key);
    if (key && link.search) there.searchParams.append(key, new URLSearchParams(link.search).get(key));
    history.pushState({}, "", there.href);
    window.dispatchEvent(new PopStateEvent("popstate")); // Streamlit draws what the address says
  };

  const movieOf = (button) => button.closest("[data-movie]")?.dataset.movie;

  // Streamlit loads what draws the field when it first needs it; movies may be there before.
  const withField = (write) => {
    const look = (_, observer) => {
      const field = document.querySelector(".st-key-clicks input");
      if (!field) return false;
      observer?.disconnect();
      write(field);
      return true;
    };
    if (!look()) new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  };

  const send = (button) => {
    const { act, value } = button.dataset;
    const click = [Math.random().toString(36).slice(2), act, movieOf(button), value ?? ""];
    withField((field) => {
      // What the server has not taken up yet goes along, so no quick second click loses the first.
      const clicks = JSON.parse(field.value || "[]");
      window.matineeEnter(field, JSON.stringify([...clicks, click]));
      tabs.postMessage("");
      sendAgain();
    });
  };

  // A server that has just come drops clicks on a part of the page that it has not drawn yet: those
  // that wait when nothing runs any more are sent again.
  let late = 0;
  const sendAgain = () => {
    clearTimeout(late);
    late = setTimeout(() => {
      const field = document.querySelector(".st-key-clicks input");
      if (!field?.value) return;
      const { testScriptState } = document.querySelector("[data-testid=stApp]").dataset;
      if (testScriptState !== "notRunning") sendAgain();
      else window.matineeEnter(field, `${field.value} `); // or React would see no change
    }, 1000);
  };

  // What was clicked in another tab is seen when one comes back to this one.
  const tabs = new BroadcastChannel("matinee");
  let behind = false;
  tabs.onmessage = () => { behind = true; };
  addEventListener("focus", () => {
    if (behind) window.dispatchEvent(new PopStateEvent("popstate")); // Streamlit draws it anew
    behind = false;
  });

  window.matineeEnter = (field, text) => {
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    set.call(field, text); // past React, which then hears of it
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  };

  // The list is drawn anew: whoever goes on by keyboard goes on where they were.
  const keepPlace = (button) => {
    const list = [".mt-cards", ".mt-rows", ".mt-wall", ".mt-card"].find((each) => button.closest(each));
    const buttons = () => [...document.querySelectorAll(`${list} button`)];
    const name = (each) => [movieOf(each), each.dataset.value].join();
    const [place, named] = [buttons().indexOf(button), name(button)];
    new MutationObserver((_, observer) => {
      if (button.isConnected) return;
      observer.disconnect();
      if (document.activeElement !== document.body) return;
      const there = buttons();
      // A movie may be in several rows of a page, and a button to undo may be there no more.
      const away = (other) => Math.abs(there.indexOf(other) - place);
      const same = there.filter((other) => name(other) === named).sort((a, b) => away(a) - away(b));
      (same[0] ?? there[place])?.focus({ preventScroll: true });
    }).observe(document.body, { childList: true, subtree: true });
  };

  // The stars of a card are chosen in a popover, one for all cards.
  const rating = document.createElement("div");
  rating.className = "mt-rating";
  rating.popover = "auto";
  let rated = null; // the card's button
  const openStars = (button) => {
    const { of, remove } = window.matineeTexts;
    const { stars, step } = button.dataset;
    const star = (count) => {
      const one = document.createElement("button");
      const given = count === Number(stars);
      Object.assign(one, { type: "button", role: "radio", ariaChecked: given, tabIndex: -1 });
      one.ariaLabel = of.replace("{count}", count);
      Object.assign(one.dataset, { act: "star", value: given ? "" : count });
      return one;
    };
    const group = document.createElement("div");
    Object.assign(group, { role: "radiogroup", ariaLabel: button.ariaLabel });
    group.dataset.step = step;
    group.append(...Array.from({ length: 5 / step }, (_, i) => star((i + 1) * step)));
    const first = group.querySelector("[aria-checked=true]") ?? group.firstChild;
    first.tabIndex = 0;
    rating.replaceChildren(group);
    if (stars) {
      const none = document.createElement("button");
      Object.assign(none, { type: "button", textContent: remove });
      Object.assign(none.dataset, { act: "star", value: "" });
      rating.append(none);
    }
    [rated, rating.dataset.movie] = [button, movieOf(button)];
    document.querySelector(".stApp").append(rating); // whose colours it has
    rating.showPopover();
    const [at, own] = [button.getBoundingClientRect(), rating.getBoundingClientRect()];
    const left = at.left + (at.width - own.width) / 2;
    rating.style.left = `${Math.max(8, Math.min(left, innerWidth - own.width - 8))}px`;
    rating.style.top = `${at.top > own.height + 8 ? at.top - own.height - 8 : at.bottom + 8}px`;
    first.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    if (main()) places[location.href] = main().scrollTop;
    const target = event.target.closest?.("[class|=mt] a, [data-act], [data-stars]");
    if (!target) return;
    if (target.matches("[data-stars]")) {
      openStars(target);
    } else if (target.closest(".mt-rating")) {
      keepPlace(rated);
      send(target);
      rating.hidePopover();
      rated.focus({ preventScroll: true });
    } else if (target.matches("button")) {
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

  // The buttons of a card are icons; a mouse that rests on one reads its name.
  document.addEventListener("mouseover", ({ target }) => {
    const button = target.closest?.(".mt-acts button");
    if (button) button.title = button.ariaLabel;
  });

  // Whoever does not see that the cards are others now is told.
  const news = document.createElement("div");
  Object.assign(news, { className: "mt-news", role: "status", ariaLive: "polite" });
  document.body.append(news);
  let [shown, done, timer] = ["", null, 0];
  const tell = () => {
    timer = 0;
    const last = document.querySelector(".mt-done");
    if (last && last !== done) {
      news.textContent = `${last.firstChild.textContent}. ${last.lastChild.ariaLabel}`;
    }
    done = last;
    const cards = [...document.querySelectorAll(":is(.mt-cards, .mt-row) h3")];
    const titles = cards.map((one) => one.textContent);
    const now = titles.join("\n");
    if (!now || now === shown) return;
    if (shown) news.textContent = window.matineeTexts.list.replace("{count}", titles.length);
    shown = now;
  };
  new MutationObserver(() => {
    timer ||= setTimeout(tell, 300);
  }).observe(document.body, { childList: true, subtree: true });
}
