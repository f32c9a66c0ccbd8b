// Starts Debian's Chromium, headless.
import puppeteer from 'puppeteer-core';

export function launch(args = []) {
    return puppeteer.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        // Tests run as root in containers, where Chromium's own sandbox cannot be had.
        args: ['--no-sandbox', '--disable-dev-shm-usage', ...args],
    });
}
