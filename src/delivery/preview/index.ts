export { type Forecast, forecastIssue } from './forecast.ts';
export { impersonal, type Preview, type PreviewRequest, previewIssue } from './preview.ts';
export { readTest } from './store.ts';
export { queueTest, type TestRequest } from './test-send.ts';
