// Shows messages as they come. Without it the page works too: send, and load it again.
const log = document.getElementById("log");
let count = Number(log.dataset.count);

function show(bubble) {
  const item = document.createElement("li");
  item.className = bubble.mine ? "mine" : "theirs";
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = bubble.mine ? "Du" : "Vejviser";
  const text = document.createElement("p");
  text.textContent = bubble.text;
  const at = document.createElement("small");
  const cost = bubble.segments ? ` · ${bubble.segments} ${bubble.segments === 1 ? "sms" : "sms'er"}` : "";
  at.textContent = bubble.at + cost;
  item.append(who, text, at);
  log.querySelector("ol").append(item);
}

async function look() {
  try {
    const response = await fetch(`/beskeder?nummer=${log.dataset.number}&efter=${count}`);
    const bubbles = await response.json();
    bubbles.forEach(show);
    count += bubbles.length;
    if (bubbles.length) log.scrollTop = log.scrollHeight;
  } catch {
    // the next look may go better
  }
  setTimeout(look, 700);
}

log.scrollTop = log.scrollHeight;
document.getElementById("text").focus();
document.getElementById("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
look();
