// Start the deck once its formulas are set, and say on <body data-ready> when nothing will change any more.

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const widgetViews = () => [...document.querySelectorAll('.widget')];

// Widgets set the formulas of their labels through the interface of MathJax 2; hand them on to MathJax 3.
MathJax.Hub = {Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element]))};

async function widgetsShown() {
  const shown = (view) => view.querySelector('.jupyter-widgets');
  for (let tries = 0; tries < 200 && !widgetViews().every(shown); tries++) await pause(50);
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
  if (/print-pdf/.test(location.search)) await widgetsShown();  // a page cannot grow after it is laid out
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, transition: 'none', hash: true, progress: true,
    slideNumber: 'c/t', controlsTutorial: false, showSlideNumber: 'all', pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
  });
  await widgetsShown();
  await Promise.all([...document.images].map((picture) => picture.decode().catch(() => {})));
  describeWidgetPictures();
  document.body.dataset.ready = 'yes';
}

start();
