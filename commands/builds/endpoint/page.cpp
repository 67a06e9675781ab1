#include "commands/builds/endpoint/routes.hpp"

namespace tidemark::commands::builds::endpoint {

// Reads the public figures of the surface it is served by; nothing else is loaded.
std::string_view status_page() {
  return R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Build controller</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 34rem; padding: 0 1rem; color: #1c2430; }
  dl { display: grid; grid-template-columns: 1fr auto; gap: .4rem 2rem; border-top: 1px solid #d5dbe3; padding-top: 1rem; }
  dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
  p { color: #5a6675; }
</style>
</head>
<body>
<h1>Build controller</h1>
<dl id="figures"></dl>
<p id="note">Reading the figures&hellip;</p>
<script>
const labels = { nodesOnline: "Workers online", buildsQueued: "Builds waiting", activeBuilds: "Builds under way",
                 buildsToday: "Completed today (UTC)", totalBuilds: "Builds finished" };
async function show() {
  const note = document.getElementById("note");
  try {
    const figures = await (await fetch("public/stats")).json();
    document.getElementById("figures").replaceChildren(...Object.entries(labels).flatMap(([name, label]) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = label;
      dd.textContent = figures[name];
      return [dt, dd];
    }));
    note.textContent = "Updated " + new Date().toLocaleTimeString();
  } catch (error) {
    note.textContent = "The figures cannot be read now.";
  }
}
show();
setInterval(show, 10000);
</script>
</body>
</html>
)html";
}

}  // namespace tidemark::commands::builds::endpoint
