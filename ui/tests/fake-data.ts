/** A made-up history for the pretended backend: enough kinds of things to see every part of the window. */
import type { ConversationRow, MessageView } from '../src/ipc/generated';

const DAY = 86_400_000;
export const NOW = Date.now();

export function iso(time: number): string {
  return new Date(time).toISOString().replace('Z', '000Z');
}

const TITLES = [
  'Weekend in Kyoto with a toddler',
  'Rust lifetimes in the parser',
  'Sourdough that keeps its shape',
  '東京の地下鉄を効率よく乗り継ぐ方法',
  'Why is my Postgres index not used?',
  'Letter to the landlord',
  '为什么天空是蓝色的',
  'Draft: talk about local-first software',
  'Gaussian integrals, step by step',
  'Gift ideas for Mira',
  'Refactoring the billing job',
  'Ideas for a garden on a north-facing balcony',
  'Translate: contract clauses (DE → EN)',
  'How do noise-cancelling headphones work?',
  'SVG path arcs explained',
  'Meal plan for a week, vegetarian',
];

const MODELS = ['gpt-4o', 'claude-sonnet-4-5', 'o3-mini', 'gemini-2.5-pro'];

export function conversation(index: number, part: Partial<ConversationRow> = {}): ConversationRow {
  const age = index < 4 ? index * 3_100_000 : Math.min(Math.pow(index, 1.75) * 0.3, 4000 + index / 100) * DAY;
  return {
    id: `00000000-0000-7000-8000-${String(100_000 + index).padStart(12, '0')}`,
    title: index === 9 ? null : `${TITLES[index % TITLES.length]!}${index >= TITLES.length ? ` (${Math.floor(index / TITLES.length) + 1})` : ''}`,
    summary: null,
    model_id: MODELS[index % MODELS.length]!,
    provider_id: 'openai',
    avatar_id: null,
    voice_id: null,
    personality_template: null,
    system_prompt: null,
    temperature: 0.7,
    max_tokens: 2000,
    settings: {},
    tags: index % 7 === 1 ? ['rust', 'work'] : index % 11 === 4 ? ['to read', '旅行'] : [],
    is_archived: index % 23 === 20,
    is_starred: [1, 7, 8, 30].includes(index),
    metadata: {},
    deleted_at: index % 29 === 27 ? iso(NOW - DAY) : null,
    current_message_id: null,
    created_at: iso(NOW - age - DAY),
    last_message_at: iso(NOW - age),
    message_count: index === 7 ? 100_000 : 14,
    total_tokens_used: 12_400 + index * 37,
    waiting: index === 0,
    only_here: index === 2,
    on_server: index > 2,
    ...part,
  };
}

const QUESTIONS = [
  'Can you explain why <code>&amp;self</code> keeps the borrow alive here? I only want one token at a time.',
  'And how would it look with an iterator instead?',
  'Does that also work for <em>streaming</em> input?',
  'Thanks! One more: what about error messages with line numbers?',
];

const CODE = `<pre><code data-lang="rust"><span class="hl-keyword">pub</span> <span class="hl-keyword">struct</span> <span class="hl-type">Parser</span>&lt;<span class="hl-keyword">'a</span>&gt; {
    source: &amp;<span class="hl-keyword">'a</span> <span class="hl-type">str</span>,
    at: <span class="hl-type">usize</span>,
}

<span class="hl-keyword">impl</span>&lt;<span class="hl-keyword">'a</span>&gt; <span class="hl-type">Parser</span>&lt;<span class="hl-keyword">'a</span>&gt; {
    <span class="hl-comment">/// The next word; it borrows from the source, not from the parser.</span>
    <span class="hl-keyword">pub fn</span> <span class="hl-function">next_word</span>(&amp;<span class="hl-keyword">mut</span> self) -&gt; <span class="hl-type">Option</span>&lt;&amp;<span class="hl-keyword">'a</span> <span class="hl-type">str</span>&gt; {
        <span class="hl-keyword">let</span> rest = &amp;self.source[self.at..];
        <span class="hl-keyword">let</span> end = rest.find(<span class="hl-string">' '</span>).unwrap_or(rest.len());
        self.at += end + <span class="hl-number">1</span>;
        (!rest.is_empty()).then(|| &amp;rest[..end])
    }
}</code></pre>`;

const ANSWERS = [
  `<p>The short answer: the returned slice borrows from <code>self</code>, so the parser stays borrowed for as long as you keep the token. Tie it to the <strong>source</strong> instead:</p>${CODE}<p>Three things changed:</p><ol><li>The struct carries the lifetime <code>'a</code> of the text it reads.</li><li>The method returns <code>&amp;'a str</code>, which outlives the call.</li><li>The <code>&amp;mut self</code> borrow ends when the method returns.</li></ol><p>More in <a href="https://doc.rust-lang.org/nomicon/lifetimes.html">the Rustonomicon</a>.</p>`,
  `<p>An iterator reads even better, because <code>for</code> and the adapters come along for free.</p><h2>What you gain</h2><table><thead><tr><th>Approach</th><th>Allocation</th><th align="right">ns / word</th></tr></thead><tbody><tr><td><code>next_word</code></td><td>none</td><td align="right">11.2</td></tr><tr><td><code>impl Iterator</code></td><td>none</td><td align="right">11.4</td></tr><tr><td><code>collect::&lt;Vec&lt;_&gt;&gt;</code></td><td>one per call</td><td align="right">38.0</td></tr></tbody></table><blockquote><p>Measure on your own input: branch prediction dominates on short words.</p></blockquote>`,
  `<p>Yes, with one caveat. Let <span class="math">n</span> be the size of a chunk; the expected number of words that cross a border is</p><p><span class="math" data-display>E[X] = \\int_0^n \\frac{\\lambda e^{-\\lambda t}}{1 + \\sqrt{t}}\\,dt \\approx \\sum_{k=1}^{n} \\frac{1}{k^2}</span></p><p>so keep the tail of each chunk and put it before the next one.</p><ul><li>Read into a reused buffer.</li><li>Split at the last space.</li><li>Carry the rest over.</li></ul>`,
  `<p>日本語の文章も、行の高さと字間が読みやすいことを確かめます。长文阅读时，行距与字距应当舒适。</p><p>Keep a running count of <code>\\n</code> and compute the column on demand. It costs nothing on the happy path, and errors can then say <em>line 12, column 4</em>.</p>`,
];

export function message(of: ConversationRow, index: number): MessageView {
  const mine = index % 2 === 0;
  const turn = Math.floor(index / 2);
  const end = new Date(of.last_message_at).getTime();
  const html = mine ? `<p>${QUESTIONS[turn % QUESTIONS.length]!}</p>` : ANSWERS[turn % ANSWERS.length]!;
  return {
    id: `${of.id.slice(24)}-m-${index}`,
    conversation_id: of.id,
    parent_id: null,
    role: mine ? 'user' : 'assistant',
    content: html.replace(/<[^>]+>/g, ''),
    content_type: 'text',
    attachments: [],
    prompt_tokens: mine ? 40 : 0,
    completion_tokens: mine ? 0 : 512,
    total_tokens: mine ? 40 : 512,
    model_id: mine ? null : of.model_id,
    provider_id: null,
    response_time_ms: null,
    finish_reason: null,
    function_call: null,
    tool_calls: null,
    rating: index === 1 ? 5 : null,
    feedback: null,
    metadata: {},
    created_at: iso(end - (of.message_count - 1 - index) * (index < 6 ? 9_000_000 : 140_000)),
    edited_at: null,
    deleted_at: null,
    files:
      index === 4
        ? [file(of, 'sketch.png', 'image/png', 'here', 1), file(of, 'measurements-2025.csv', 'text/csv', 'here', 2), file(of, 'voice-note.m4a', 'audio/mp4', 'missing', 3)]
        : [],
    html,
    blocks:
      index % 8 === 1
        ? [
            { kind: 'thinking', title: null, html: '<p>The borrow ends where the returned reference ends. So tie it to the source.</p>', is_error: false },
            { kind: 'tool_use', title: 'web_search', html: '<pre><code data-lang="json">{ "query": "rust lifetimes iterator" }</code></pre>', is_error: index === 9 },
          ]
        : [],
    hidden: false,
    writing: false,
    branch: index === 2 ? { index: 1, sibling_ids: ['a', `${of.id.slice(24)}-m-2`, 'c'] } : null,
  };
}

function file(of: ConversationRow, name: string, mime: string, state: 'here' | 'remote' | 'missing', index: number) {
  return {
    id: `${of.id.slice(24)}-f-${index}`,
    message_id: '',
    file_name: name,
    file_type: null,
    file_size: 48_213 * index,
    mime_type: mime,
    width: mime.startsWith('image') ? 640 : null,
    height: mime.startsWith('image') ? 360 : null,
    duration_seconds: null,
    sha256: null,
    metadata: {},
    created_at: iso(NOW),
    state,
    received: null,
  };
}
