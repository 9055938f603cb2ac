// Asks every five seconds whether the queue has changed: so others see that somebody is there, too.
"use strict";

const news = document.getElementById("news");
const plain = document.title;

async function look() {
  try {
    const response = await fetch("/koe/nyt");
    if (response.redirected) return location.reload(); // the login is over
    if (!response.ok) return;
    const found = await response.json();
    document.title = found.waiting ? `(${found.waiting}) ${plain}` : plain;
    if (found.stamp === news.dataset.stamp) return void (news.textContent = "");
    if (document.activeElement === document.body) return location.reload();
    // Who is in the middle of the list with the keyboard is not thrown out of it.
    const show = document.createElement("a");
    show.href = "/koe";
    show.textContent = "Vis den igen";
    if (!news.textContent) news.replaceChildren("Køen har ændret sig. ", show);
  } catch {
    news.textContent = "Der er ikke forbindelse lige nu.";
  }
}

look();
setInterval(look, 5000);
