(() => {
  const player = document.getElementById("player");
  if (player) {
    for (const button of document.querySelectorAll("button[data-at]")) {
      button.addEventListener("click", () => {
        player.currentTime = Number(button.dataset.at) + 0.01;
        player.scrollIntoView({ block: "center", behavior: "smooth" });
        player.play().catch(() => {});
      });
    }
  }
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      opened.push(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened.splice(0)) details.open = false;
  });
})();
