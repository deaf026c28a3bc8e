import { startBurst } from './burst.js';
import { byId } from './element.js';
import { showObserved } from './history.js';
import { Live } from './live.js';
import { pulse, refreshPanels, showPanels } from './panels.js';
import { showLegend, showSession, startSessionView } from './session-view.js';
import { startTheme } from './theme.js';
import { startTour } from './tour.js';

const live = new Live({
  session(session) {
    showSession(session);
  },
  observed(observed) {
    if (!showObserved(observed)) return;
    // A stream that was opened anew tells again what happened before.
    if (observed.kind === 'touch' || Date.now() - observed.at > 3000) return;
    pulse(observed.by.service);
    refreshPanels();
  },
  state(state) {
    byId('live').className = `live ${state}`;
    byId('live-text').textContent = state === 'on' ? 'live' : 'connection lost, trying again';
  },
});

/** A login or logout gave the browser another cookie: watch that session from now on. */
async function lookAgain() {
  await Promise.all([live.connect(), refreshPanels()]);
}

startTheme();
showLegend();
startSessionView(lookAgain);
showPanels(lookAgain);
startBurst();
startTour();
lookAgain();
