"use strict";
const part = (id) => document.getElementById(id);
async function run() {
  part("answer").textContent = "";
  try {
    const variables = JSON.parse(part("variables").value || "{}");
    const answer = await fetch(location.pathname, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: part("query").value, variables }),
    });
    part("answer").textContent = JSON.stringify(await answer.json(), null, 2);
  } catch (error) {
    part("answer").textContent = String(error);
  }
}
part("run").addEventListener("click", run);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
