/** Starts the window: theme first, so that nothing flashes, then the page; the backend is asked meanwhile. */
import '@fontsource-variable/inter/index.css';
import { mount } from 'svelte';
import App from './app/App.svelte';
import { askAhead } from './features/list/ahead';
import { listenToChanges } from './state/changes';
import { session } from './state/session.svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/prose.css';

session.paintEarly();
// Once for as long as the window is there; everything that is shown hears of changes through it.
const listening = listenToChanges();
void session.start();
askAhead(listening);

const target = document.getElementById('app');
if (target) mount(App, { target });
