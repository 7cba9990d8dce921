// False-colour pictures of scenes that were looked at here, by job: the service keeps no image.
const shown = new Map();
const PREFIX = "unmixing-picture-";

export function keepPicture(jobId, url) {
  if (!url) return;
  shown.set(jobId, url);
  try {
    sessionStorage.setItem(PREFIX + jobId, url);
  } catch { /* too large to outlive this page */ }
}

export const pictureOf = (jobId) => shown.get(jobId) ?? sessionStorage.getItem(PREFIX + jobId);
