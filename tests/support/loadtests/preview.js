// k6: one request, at a constant rate whatever the answers take. TARGET is the service's address.
import http from "k6/http";

const body = open("./request.json");

export const options = {
  scenarios: {
    preview: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE || 20),
      timeUnit: "1s",
      duration: __ENV.DURATION || "60s",
      preAllocatedVUs: 20,
    },
  },
};

export default function () {
  http.post(`${__ENV.TARGET}/preview`, body, { headers: { "Content-Type": "application/json" } });
}
