// Streamlit's dialog about a server that does not answer speaks to whoever wrote the app; a visitor
// reads our own words in it. The texts are those of the page's language.
if (!window.matineeAway) {
  const say = (node, text) => {
    // The nodes stay, since they belong to React.
    if (node?.firstChild && node.firstChild.nodeValue !== text) node.firstChild.nodeValue = text;
  };

  const translate = (dialog) => {
    const { title, sentence, close } = window.matineeAway;
    say(dialog.querySelector("h2"), title);
    say(dialog.querySelector("h2 + div > div"), sentence);
    const command = dialog.querySelector("h2 + div > div")?.nextElementSibling;
    if (command) command.style.display = "none"; // which only the host can type
    dialog.querySelector("button")?.setAttribute("aria-label", close);
  };

  new MutationObserver(() => {
    const heading = document.querySelector('[role="dialog"] > h2');
    if (heading?.textContent !== "Connection error") return;
    const dialog = heading.parentElement;
    translate(dialog);
    const changes = { characterData: true, childList: true, subtree: true };
    new MutationObserver(() => translate(dialog)).observe(dialog, changes);
  }).observe(document.body, { childList: true });
}
