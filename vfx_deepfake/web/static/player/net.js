// Talking to the server: JSON in and out, with the token that says the request comes from this page.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** GET the address, or POST `body` to it; returns the JSON. Throws Refused with the server's own line. */
export async function call(address, body) {
  const options = { headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]").content;
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Refused(0, "the server does not answer; what you wrote is still here, try again");
  }
  if (answer.ok) return answer.json();
  throw new Refused(answer.status, await reason(answer));
}

/** The one line the server gave for saying no. */
export async function reason(answer) {
  if (answer.status === 401) return "your session has ended; log in again in another tab, then repeat";
  try {
    return (await answer.json()).error || answer.statusText;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

/** 32 hex digits that nobody else has. crypto.randomUUID would need https. */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}
