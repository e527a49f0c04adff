import { openSqliteStore } from '../../collector/app.js';
import { describeStore } from './storeContract.js';

describeStore('the SQLite store', openSqliteStore);
