// A mailbox of thousands, as a server would tell of it: what is measured and tested with it is the page, not a server.

const DAY = 86_400_000;
/** Rows that one answer has. */
export const PAGE = 500;

/** The identity of a message. */
export const rowId = (n) => `01936f2e-8d3c-7a10-9c41-${String(n).padStart(12, '0')}`;

const message = (n, fields) => ({
  id: rowId(n),
  folder: 'inbox',
  kind: 'voice',
  sender: { name: `Caller ${n}`, address: `${4000 + n}@pbx.example.org`, number: `${4000 + n}` },
  subject: `Message number ${n}`,
  duration_ms: 4_000 + (n % 60) * 1_000,
  pages: 0,
  attachments: 0,
  unread: false,
  urgent: false,
  private: false,
  one_server_only: false,
  ...fields,
});

/** Rows of an inbox, newest first, some on each day. */
export function manyRows(count) {
  const now = Date.now();
  return Array.from({ length: count }, (_, n) => message(n, {
    received_at: now - Math.floor((n * DAY) / 37) - 60_000,
    unread: n % 9 === 0,
    urgent: n % 31 === 0,
    private: n % 17 === 0,
  }));
}

/** Answers what the page asks for the inbox with these rows, by pages as a server does; the other folders are empty. */
export async function serveInbox(page, rows) {
  const inbox = {
    /** Rows before the page that was sent last. */
    sent: 0,
  };
  await page.route(/\/api\/v1\/messages\?/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const all = query.get('folder') === 'inbox' ? rows : [];
    const from = Number(query.get('before') ?? 0);
    if (all === rows) inbox.sent = from;
    const counts = { inbox: rows.length, unread: rows.filter((row) => row.unread).length, sent: 0, deleted: 0, one_server_only: 0 };
    const next = from + PAGE < all.length ? String(from + PAGE) : null;
    return route.fulfill({ json: { messages: all.slice(from, from + PAGE), next, as_of: Date.now(), counts } });
  });
  await page.route(/\/api\/v1\/messages\/01936f2e/, (route) => {
    const row = rows.find((row) => route.request().url().includes(row.id));
    if (route.request().url().includes('/audio') || !row) return route.fulfill({ status: 404, json: { code: 'not_found', message: 'There is no such thing.', reference: 'r' } });
    return route.fulfill({ json: { ...row, row, recipients: [], parts: [] } });
  });
  return inbox;
}
