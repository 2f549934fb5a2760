// Fetches the chunks of an application: what its first load leaves out. The build puts this into wasm-bindgen's module, in whose scope `wasm` is
// what the application exports. A chunk takes its memory, stack and functions from there, so it is one program with it.

// For each chunk the files that it needs, each with its address and the digest of its content.
const CHUNKS = /*CHUNKS*/{};
// A server that has not answered after this time has company: the next one is asked as well.
const CHUNK_COMPANY_MS = 1000;
const CHUNK_TIMEOUT_MS = 20000;

// The page's own server first: its files may be kept by the service worker.
let chunkServers = [""];
const chunkFiles = new Map();

// Called by the application with the origins of the pair, a space between them.
function setChunkServers(origins) {
  chunkServers = ["", ...origins.split(" ").filter((origin) => origin && origin !== location.origin)];
}

// What the application calls to have a chunk; it is called back with whether it came. One that did not is fetched anew the next time.
const chunkLoader = (name) => (callback, data) => {
  const files = CHUNKS[name].map(chunkFile);
  const came = Promise.all(files).then(
    () => true,
    (reason) => {
      console.warn("A part of the application cannot be fetched:", reason);
      return false;
    },
  );
  came.then((came) => wasm.__indirect_function_table.get(callback)(data, came));
};

function chunkFile([address, integrity]) {
  let file = chunkFiles.get(address);
  if (!file) {
    file = chunkBytes(address, integrity).then((bytes) => WebAssembly.instantiate(bytes, { main: wasm }));
    chunkFiles.set(address, file);
    file.catch(() => chunkFiles.delete(address));
  }
  return file;
}

// A file from the server that gives it first.
function chunkBytes(address, integrity) {
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(), CHUNK_TIMEOUT_MS);
  const ask = async (server, before) => {
    if (before) await Promise.race([before.catch(() => {}), new Promise((go) => setTimeout(go, CHUNK_COMPANY_MS))]);
    // By the digest it is the same from every server; one of another version does not fit.
    const answer = await fetch(server + address, { integrity, signal: stop.signal });
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    stop.abort();
    return bytes;
  };
  const asked = [];
  for (const server of chunkServers) asked.push(ask(server, asked.at(-1)));
  return Promise.any(asked).finally(() => clearTimeout(limit));
}

// All chunks are fetched and kept, each when the one before is here, so that the pages open without a server. Without the service worker (it
// needs TLS) the browser's own cache keeps them, as long as it likes.
async function keepChunks() {
  const worker = await navigator.serviceWorker?.ready;
  if (worker) return worker.active.postMessage("keep the chunks");
  for (const file of Object.values(CHUNKS).flat()) await chunkBytes(...file).catch(() => {});
}
