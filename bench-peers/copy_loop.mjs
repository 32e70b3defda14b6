//! The plain way: `select().range()` in pages of 1,000, each page one transaction into a SQLite file.
//! The user is named in the query and the order is that of an index, as Supabase's own advice has it.

import Database from 'libsql'

import { answer, fingerprint, ok, order, signedIn } from './peer.mjs'

const PAGE = 1000
const { client, user } = await signedIn()
const db = new Database(order.file)
db.exec('pragma journal_mode = wal')
db.exec('pragma synchronous = full')

const start = performance.now()
let rows = 0
for (const table of ['conversations', 'chat_messages', 'message_attachments']) {
  let insert
  for (let from = 0; ; from += PAGE) {
    const query = client.from(table).select('*').eq('user_id', user.id).order('id').range(from, from + PAGE - 1)
    const page = ok(await query)
    if (page.length > 0 && !insert) {
      const columns = Object.keys(page[0])
      db.exec(`create table ${table} (${columns.map((c) => (c === 'id' ? 'id text primary key' : c)).join(', ')})`)
      const marks = columns.map(() => '?').join(', ')
      const statement = db.prepare(`insert into ${table} values (${marks})`)
      const value = (v) => (v !== null && typeof v === 'object' ? JSON.stringify(v) : typeof v === 'boolean' ? +v : v)
      insert = db.transaction((page) => {
        for (const row of page) statement.run(columns.map((column) => value(row[column])))
      })
    }
    if (page.length > 0) insert(page)
    rows += page.length
    if (page.length < PAGE) break
  }
}
const ms = performance.now() - start

const stored = db.prepare('select id, role, content from chat_messages order by id').iterate()
answer({ ms, rows, ...fingerprint(stored) })
db.close()
process.exit(0)
