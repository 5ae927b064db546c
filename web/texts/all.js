/** All that the page can say. */

import clients from './clients.js';
import core from './core.js';
import instances from './instances.js';
import logs from './logs.js';
import overview from './overview.js';
import requests from './requests.js';
import room from './room.js';
import rooms from './rooms.js';
import settings from './settings.js';

export const TEXTS = [core, overview, requests, instances, rooms, room, clients, logs, settings];
