// Start the deck once its formulas are set, and say on <body data-ready> when nothing will change any more.

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const printing = /print-pdf/.test(location.search);
const widgetViews = () => [...document.querySelectorAll('.widget')];

// Widgets set the formulas of their labels through the interface of MathJax 2; hand them on to MathJax 3.
MathJax.Hub = {Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element]))};

// Where the notebook holds no state of its widgets, nothing will ever draw them.
async function widgetsShown(patience = 60_000) {
  if (!document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')) return;
  const shown = (view) => view.querySelector('.jupyter-widgets');
  const end = performance.now() + patience;
  while (!widgetViews().every(shown)) {
    if (performance.now() > end) return console.error('a widget does not appear');
    await pause(50);
  }
}

// On paper reveal.js goes on after it has said that it is ready: it lays out a page for each slide.
function pagesLaidOut() {
  return new Promise((resolve) => document.addEventListener('pdf-ready', resolve, {once: true}));
}

// A picture inside a widget is drawn without alternative text; the caption below it says what it shows.
function describeWidgetPictures() {
  for (const picture of document.querySelectorAll('.widget img:not([alt])')) {
    const caption = picture.closest('.jp-OutputArea')?.querySelector('.caption');
    picture.alt = caption ? caption.textContent : '';
  }
}

async function start() {
  await MathJax.startup.promise;
  if (printing) await widgetsShown();  // a page cannot grow after it is laid out
  const laidOut = printing && pagesLaidOut();
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, transition: 'none', hash: true, progress: true,
    slideNumber: 'c/t', controlsTutorial: false, showSlideNumber: 'all', pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
  });
  await (printing ? laidOut : widgetsShown());
  await Promise.all([...document.images].map((picture) => picture.decode().catch(() => {})));
  describeWidgetPictures();
  document.body.dataset.ready = 'yes';
}

start();
