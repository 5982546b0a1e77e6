/** @jest-environment node */
require('./story.js').story()
