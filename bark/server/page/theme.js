// Before anything is drawn, so that a page that was chosen dark never flashes light: a script of the old kind.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const remembered = () => {
    try {
      return localStorage.getItem("bark-theme");
    } catch {
      return null; // where storage is forbidden, the system's choice holds
    }
  };
  const remember = (theme) => {
    try {
      if (theme) localStorage.setItem("bark-theme", theme);
      else localStorage.removeItem("bark-theme");
    } catch {
      // it holds until the page is left
    }
  };

  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const told = () => {
    const button = document.getElementById("theme");
    if (button) button.querySelector("span").textContent = dark() ? "Light" : "Dark";
    document.dispatchEvent(new Event("themechange"));
  };

  const chosen = remembered();
  if (chosen) root.dataset.theme = chosen;
  system.addEventListener("change", told);
  document.addEventListener("DOMContentLoaded", () => {
    told();
    document.getElementById("theme").addEventListener("click", () => {
      const next = dark() ? "light" : "dark";
      const own = next === (system.matches ? "dark" : "light"); // back to the system's: follow it again
      if (own) delete root.dataset.theme;
      else root.dataset.theme = next;
      remember(own ? null : next);
      told();
    });
  });
})();
