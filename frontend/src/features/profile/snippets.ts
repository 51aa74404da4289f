/** How other devices add a note with the token. */

export type Device = "curl" | "shortcuts" | "macrodroid";

export interface Snippet {
  title: string;
  steps: string[];
  /** To be copied as it is. */
  code: string;
}

export function snippetsFor(api: string, token: string): Record<Device, Snippet> {
  const url = `${api}/notes`;
  const request = `POST ${url}
Authorization: Bearer ${token}
Content-Type: application/json`;
  return {
    curl: {
      title: "curl",
      steps: [
        "In a terminal. Without text, and with AI notes on, AI writes the note when the transcript is there.",
      ],
      code: `curl -X POST '${url}' \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -d '{"video_id": "W421vNri5hw", "video_title": "Apollo 13", "timestamp": "7:55:35", "text": "the bang"}'`,
    },
    shortcuts: {
      title: "iOS Shortcuts",
      steps: [
        "Make a shortcut that takes URLs from the share sheet, and add “Match Text” with the pattern [\\w-]{11} to get the video’s id.",
        "Add “Ask for Input” for the time, such as 12:34.",
        "Add “Get Contents of URL” with the method POST, the headers below, and a JSON body of video_id, video_title, timestamp and text.",
      ],
      code: request,
    },
    macrodroid: {
      title: "MacroDroid",
      steps: [
        "Trigger: “Share Text”. Action: “HTTP Request”, method POST, with the address and headers below.",
        "Content body, as JSON: take the id from the shared text, and the time from a “User Prompt”.",
      ],
      code: `${request}

{"video_id": "[lv=video_id]", "video_title": "[lv=title]", "timestamp": "[lv=time]", "text": "[lv=text]"}`,
    },
  };
}
