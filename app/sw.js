// Opens My CallPilot while its server is out of reach. It keeps the page's own files (the shell), never anything of a mailbox:
// requests below /api are not touched. The build writes the lists of files and the build id.

const BUILD = "__BUILD_ID__";
const SHELL = "callpilot-shell-" + BUILD;
const FILES = /*PRECACHE*/[];
const CHUNKS = /*CHUNKS*/[];
const HOME = "/MyCallPilot/";
// A server that hangs must not keep the page from opening: after this time the kept page is shown.
const TIMEOUT_MS = 1000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      // Only the page itself has a name without a digest: it is fetched past the browser's own cache.
      .then((shell) => shell.addAll([new Request(HOME, { cache: "reload" }), ...FILES.filter((file) => file !== HOME)]))
      // Files have names by their content and old ones stay until the next page has started, so taking over at once breaks no open page.
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    self.clients
      .claim()
      .then(() => caches.keys())
      .then((names) => {
        // The build before this one is kept: a page of it may still be open and fetch a file.
        const old = names.filter((name) => name.startsWith("callpilot-shell-") && name !== SHELL);
        return Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
      }),
  );
});

// The page asks when it has shown the inbox: chunks are not in the way of that.
self.addEventListener("message", (event) => {
  if (event.data === "keep the chunks") event.waitUntil(keepChunks());
});

async function keepChunks() {
  const shell = await caches.open(SHELL);
  for (const chunk of CHUNKS) {
    // One that cannot be had now is fetched by the page that needs it, or the next time.
    if (!(await shell.match(chunk, { ignoreVary: true }))) await shell.add(chunk).catch(() => {});
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || !url.pathname.startsWith(HOME)) return;
  if (request.mode === "navigate") {
    event.respondWith(page(request));
  } else if (url.pathname.startsWith(HOME + "assets/")) {
    event.respondWith(asset(request));
  }
});

// Every page is the same shell. The network's is newer, so it is asked first, but not for long.
async function page(request) {
  try {
    // A request of the browser's own navigation cannot be sent on with a time limit, so its address is fetched.
    const answer = await within(TIMEOUT_MS, (signal) => fetch(request.url, { signal, redirect: "manual" }));
    // An error page of a server that is starting or stopping is not the shell.
    if (answer.ok || answer.type === "opaqueredirect") return answer;
  } catch {
    // Not reached or too slow: the kept page opens, and finds the partner by itself.
  }
  return (await kept(HOME)) ?? fetch(request);
}

// Names carry a hash of the content: what is kept is right.
async function asset(request) {
  return (await kept(request)) ?? fetch(request);
}

async function kept(request) {
  // The server's answers vary by Origin and encoding; these files are the same for all, and a module script asks with other headers
  // than the list that was fetched at installation.
  const same = { ignoreVary: true };
  const shell = await caches.open(SHELL);
  return (await shell.match(request, same)) ?? (await caches.match(request, same));
}

async function within(ms, start) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ms);
  try {
    return await start(stop.signal);
  } finally {
    clearTimeout(timer);
  }
}
