/** Starts the window: theme first, so that nothing flashes, then the page; the backend is asked meanwhile. */
import '@fontsource-variable/inter/index.css';
import { mount } from 'svelte';
import App from './app/App.svelte';
import { session } from './state/session.svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/prose.css';

session.paintEarly();
void session.start();

const target = document.getElementById('app');
if (target) mount(App, { target });
