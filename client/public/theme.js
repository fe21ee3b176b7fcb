// Runs before the first paint, so that the page never flashes in the wrong theme. A file, since the CSP allows no inline script.
try {
  const chosen = localStorage.getItem('faultline.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Without storage the page follows the system.
}
