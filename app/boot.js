// Starts the application whose pages lie at the address of this one. The build writes the list; each application is a bundle of its
// own, and only the one that is needed is fetched.

// Colours that the reader has chosen, before anything is drawn. A browser that keeps nothing forbids the question, too.
try {
  const theme = /theme=(light|dark)/.exec(localStorage.getItem("callpilot.preferences"))?.[1];
  if (theme) document.documentElement.dataset.theme = theme;
} catch {}

const APPLICATIONS = /*APPLICATIONS*/[];

async function start({ module, wasm }) {
  // Both at once: the module only hands the bytes to the browser.
  const bytes = fetch(wasm);
  const { default: run } = await import(module);
  await run({ module_or_path: bytes });
  document.querySelector(".splash")?.remove();
}

const path = `${location.pathname}/`;
start(APPLICATIONS.find(({ base }) => path.startsWith(base)) ?? APPLICATIONS[0]).catch((reason) => {
  // By this the page shows what to do.
  document.documentElement.dataset.boot = "failed";
  console.error("The application cannot start:", reason);
});
