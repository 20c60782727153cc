BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	tag TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	reference TEXT, 
	request_id TEXT, 
	target TEXT, 
	detail TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,1.79570294187421345714e+09,'request:asked','U0RAVIREQ1','TS4EXHU','H0lza0FsHyq3B7Bt-ksVZra4','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as expired", "needed": 1, "ttl": 3.0}','3be78bd8df36f7a243f1cd1463a61bb976ea769fc73a6513f02029cf8fa4cae0');
INSERT INTO "audit" VALUES(2,1.79570294489041733742e+09,'request:expired','bot','TS4EXHU','H0lza0FsHyq3B7Bt-ksVZra4','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','3f59b19571d55fa6bd06ea91fcd9d450ad16588e8185350f2396a24610d55f27');
INSERT INTO "audit" VALUES(3,1.79570294593999624254e+09,'request:asked','U0RAVIREQ1','6XCUQUH','X7WaHOx82d2iJ5QmNwuWavM7','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as revoked", "needed": 1, "ttl": 300.0}','05dba00929f560edf31a5ff26b4a4125815c70010f94e2029f552561e41890ee');
INSERT INTO "audit" VALUES(4,1.79570294595987796784e+09,'request:approved','U0BENAPP01','6XCUQUH','X7WaHOx82d2iJ5QmNwuWavM7','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','a3d99be51106cc8cb975a8f53faba61a121f75c32eb066f8acdf3a958fd3ecea');
INSERT INTO "audit" VALUES(5,1.79570294596885704995e+09,'token:revoked','bot','6XCUQUH','X7WaHOx82d2iJ5QmNwuWavM7','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 1, "uncertain": false, "status": 200, "correlation_id": "9c5db0c4-f2da-4ec3-930b-4fa1c17540b7"}','666ab2fb4eceead51ab800ba9762e87134b9f1f10cdde3325453c25e77c4d279');
INSERT INTO "audit" VALUES(6,1.79570294606774878503e+09,'request:asked','U0RAVIREQ1','HWT2AZV','OnDZQRncQWuBPd0rsODsqvfY','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as refused", "needed": 1, "ttl": 300.0}','850798aa4c82c5ffca19fa5b2604bc6b14b88077d5090fb13a565284ec7c932a');
INSERT INTO "audit" VALUES(7,1.79570294608298921578e+09,'request:approved','U0BENAPP01','HWT2AZV','OnDZQRncQWuBPd0rsODsqvfY','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','52e22c578f1b2fa741a41c8e2dbca0a9ed736dd877d680e14585811c04f29559');
INSERT INTO "audit" VALUES(8,1.79570294608792257315e+09,'token:refused','bot','HWT2AZV','OnDZQRncQWuBPd0rsODsqvfY','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 1, "uncertain": false, "error": "GenesysForbidden", "status": 403, "code": "missing.permissions", "message": "You need a permission.", "correlation_id": "427fc926-1aa7-465d-8dcd-0d410e748c79", "permissions": []}','8cb6c69edde732af14940dda0ca604b55bc86b5bd296984c0b016cefa78e53fe');
INSERT INTO "audit" VALUES(9,1.79570294618903613086e+09,'request:asked','U0RAVIREQ1','ED9DUYE','-rZlZhHVewXrwVzrrrjrlLWz','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as failed", "needed": 1, "ttl": 300.0}','1c2252ce7fbf5a52e7699aa73e14d972f7f4c125858a56d2aa8ec260e70a4b08');
INSERT INTO "audit" VALUES(10,1.79570294620161342619e+09,'request:approved','U0BENAPP01','ED9DUYE','-rZlZhHVewXrwVzrrrjrlLWz','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','44988d0c154ae57ca1645e11cc1882f8f7dc8d5189cd3f445f0f68683ab0f2cf');
INSERT INTO "audit" VALUES(11,1.79570294677204608923e+09,'token:attempt_failed','bot','ED9DUYE','-rZlZhHVewXrwVzrrrjrlLWz','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 1, "uncertain": false, "error": "GenesysBroken", "status": 503, "code": "service.unavailable", "message": "Service Unavailable - The server is currently unavailable.", "correlation_id": "e1541d64-6ecc-4e17-ab45-19ae7f6230a4"}','3aefd0fdf98aba5eeeb90875456ea6b0c952639a7c34ec9608335fa186d0dbdf');
INSERT INTO "audit" VALUES(12,1.79570295035033559798e+09,'token:failed','bot','ED9DUYE','-rZlZhHVewXrwVzrrrjrlLWz','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 2, "uncertain": false, "error": "GenesysBroken", "status": 503, "code": "service.unavailable", "message": "Service Unavailable - The server is currently unavailable.", "correlation_id": "e28a382c-607f-4855-aabb-e24960753dbb"}','af501f14f91ca0b7c56b45b97b9ae6fc565c5bbd4371d919cfe08820684fa1af');
INSERT INTO "audit" VALUES(13,1.79570295036723470683e+09,'request:asked','U0RAVIREQ1','48LUMHN','x2OTpK--AoDi1I82rAWufc87','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as unknown", "needed": 1, "ttl": 300.0}','0c66f2a0b9c47f26320172578e6cfc028f39f2378fddf1a9543bcbc4352d039e');
INSERT INTO "audit" VALUES(14,1.79570295037751865392e+09,'request:approved','U0BENAPP01','48LUMHN','x2OTpK--AoDi1I82rAWufc87','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','a7f014cbe999b4eac8b990d93fb78ad8201faeebe32ad72f5cf4ff52358b04ed');
INSERT INTO "audit" VALUES(15,1.79570295093729972836e+09,'token:attempt_failed','bot','48LUMHN','x2OTpK--AoDi1I82rAWufc87','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 1, "uncertain": true, "error": "GenesysNoAnswer", "status": null, "code": null, "message": "Genesys Cloud was asked and did not answer; whether it acted is not known.", "correlation_id": null}','5fab7917438012cfd3874e588237da186fb3e507c19bc2abdae9928f43aa622d');
INSERT INTO "audit" VALUES(16,1.79570295456846141819e+09,'token:unknown','bot','48LUMHN','x2OTpK--AoDi1I82rAWufc87','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"attempts": 2, "uncertain": true, "error": "GenesysNoAnswer", "status": null, "code": null, "message": "Genesys Cloud was asked and did not answer; whether it acted is not known.", "correlation_id": null}','ddaced19d52452de052eb04435188be78acb2d4cea020cafdb557d48647af6d2');
INSERT INTO "audit" VALUES(17,1.79570295464543437961e+09,'request:asked','U0RAVIREQ1','VQSHUWW','pSQN27HQd9VOr52MWHKu40_P','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "ends as cancelled", "needed": 1, "ttl": 300.0}','69fe1495797a2bf0df06f4f2771f3200f62ca0b3920e3b2e170a292f838413fc');
INSERT INTO "audit" VALUES(18,1.79570295466321134571e+09,'request:cancelled','U0RAVIREQ1','VQSHUWW','pSQN27HQd9VOr52MWHKu40_P','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','1c0232fb7df67c7d557851c320686f8bef656903389833733a3ee22b92abb121');
INSERT INTO "audit" VALUES(19,1.79570295476995348926e+09,'request:asked','U0RAVIREQ1','ZUFCYQ6','PbmKJPElLNRxmSDs9047ZYh2','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "waits", "needed": 1, "ttl": 300.0}','abe758328683bf41e120216e91d256c436db3981ccbfc5431391fb2b0c23e45d');
INSERT INTO "audit" VALUES(20,1.79570295478946399684e+09,'click:refused','U0RAVIREQ1','ZUFCYQ6','PbmKJPElLNRxmSDs9047ZYh2','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"action": "approve", "reason": "not_an_approver", "requester": "U0RAVIREQ1"}','cc0aef490a305f6c51dd2270a3e0249e5ba668198c8723ba12bd93f50e24f4d4');
INSERT INTO "audit" VALUES(21,1.79570295779902625084e+09,'request:asked','U0RAVIREQ1','LUAJXDA','-AWnhZmF7SDBokz5MABMlreI','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "clicked", "needed": 1, "ttl": 300.0}','9c5b6002dde8271407b273d218b65e7aacace33e8bf156a36bc996ec49da44aa');
INSERT INTO "audit" VALUES(22,1.7957029578208391666e+09,'request:asked','U0RAVIREQ1','2KR642F','uoDjpHmB2Xen1NQtkIMBskht','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{"kind": "revoke", "reason": "executing", "needed": 1, "ttl": 300.0}','3578f2d013d5b1461177ada31e105b80e37f48ee48acdc8bad18678d791469ef');
INSERT INTO "audit" VALUES(23,1.7957029578393275738e+09,'request:approved','U0BENAPP01','2KR642F','uoDjpHmB2Xen1NQtkIMBskht','6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','{}','0cfc6fdd98558d533ee7bae1ea5641c233202e66d04a285b25cbda499e559271');
CREATE TABLE items (
	request_id TEXT NOT NULL, 
	place INTEGER NOT NULL, 
	target_id TEXT, 
	name TEXT, 
	email TEXT, 
	division TEXT, 
	state TEXT, 
	member TEXT, 
	event TEXT, 
	PRIMARY KEY (request_id, place), 
	FOREIGN KEY(request_id) REFERENCES requests (id)
);
INSERT INTO "items" VALUES('H0lza0FsHyq3B7Bt-ksVZra4',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1',NULL);
INSERT INTO "items" VALUES('X7WaHOx82d2iJ5QmNwuWavM7',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1','succeed');
INSERT INTO "items" VALUES('OnDZQRncQWuBPd0rsODsqvfY',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1','refuse');
INSERT INTO "items" VALUES('-rZlZhHVewXrwVzrrrjrlLWz',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1','fail');
INSERT INTO "items" VALUES('x2OTpK--AoDi1I82rAWufc87',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1','lose');
INSERT INTO "items" VALUES('pSQN27HQd9VOr52MWHKu40_P',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1',NULL);
INSERT INTO "items" VALUES('PbmKJPElLNRxmSDs9047ZYh2',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1',NULL);
INSERT INTO "items" VALUES('-AWnhZmF7SDBokz5MABMlreI',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1',NULL);
INSERT INTO "items" VALUES('uoDjpHmB2Xen1NQtkIMBskht',0,'6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09','Tom Target','tom.target@example.com','Support','active','U0TOMTARG1',NULL);
CREATE TABLE jobs (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	prio INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	due_at FLOAT NOT NULL, 
	attempts INTEGER NOT NULL, 
	lease_owner TEXT, 
	lease_until FLOAT NOT NULL, 
	done_at FLOAT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "jobs" VALUES(1,'card','card:H0lza0FsHyq3B7Bt-ksVZra4','H0lza0FsHyq3B7Bt-ksVZra4','{}',2,1.79570294187421345714e+09,1.79570294489041733742e+09,1,NULL,1.79570294889978694912e+09,1.79570294490857625003e+09);
INSERT INTO "jobs" VALUES(2,'notice','notice:H0lza0FsHyq3B7Bt-ksVZra4:C0AUDIT001','H0lza0FsHyq3B7Bt-ksVZra4','{"channel": "C0AUDIT001"}',3,1.79570294489041733742e+09,1.79570294489041733742e+09,1,NULL,1.79570294889978694912e+09,1.79570294490870881079e+09);
INSERT INTO "jobs" VALUES(3,'notice','notice:H0lza0FsHyq3B7Bt-ksVZra4:U0RAVIREQ1','H0lza0FsHyq3B7Bt-ksVZra4','{"channel": "U0RAVIREQ1"}',3,1.79570294489041733742e+09,1.79570294489041733742e+09,1,NULL,1.79570294889978694912e+09,1.79570294491045618062e+09);
INSERT INTO "jobs" VALUES(4,'card','card:X7WaHOx82d2iJ5QmNwuWavM7','X7WaHOx82d2iJ5QmNwuWavM7','{}',2,1.79570294593999624254e+09,1.79570294596885704995e+09,1,NULL,1.79570294997485136985e+09,1.7957029459836215973e+09);
INSERT INTO "jobs" VALUES(5,'click','click:00d4cf1d4df12b6de3f51fdad494b3b87b5ce751e7a016ca5ad825c1a3fad4b2','X7WaHOx82d2iJ5QmNwuWavM7','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/4ThsZ5mt5bq4C4F-", "installed_in": "T0HOME0001", "ts": "1795702945.000127"}',0,1795702945.95426,1795702945.95426,1,NULL,1795702949.95426,1.79570294595987796784e+09);
INSERT INTO "jobs" VALUES(6,'target','target:X7WaHOx82d2iJ5QmNwuWavM7:0','X7WaHOx82d2iJ5QmNwuWavM7','{"place": 0, "clicked_at": 1795702945.95426}',1,1.79570294595987796784e+09,1.79570294595987796784e+09,1,NULL,1.79570294995987796778e+09,1.79570294596885704995e+09);
INSERT INTO "jobs" VALUES(7,'notice','notice:X7WaHOx82d2iJ5QmNwuWavM7:C0AUDIT001','X7WaHOx82d2iJ5QmNwuWavM7','{"channel": "C0AUDIT001"}',3,1.79570294596885704995e+09,1.79570294596885704995e+09,1,NULL,1.79570294997485136985e+09,1.7957029459832448959e+09);
INSERT INTO "jobs" VALUES(8,'notice','notice:X7WaHOx82d2iJ5QmNwuWavM7:U0RAVIREQ1','X7WaHOx82d2iJ5QmNwuWavM7','{"channel": "U0RAVIREQ1"}',3,1.79570294596885704995e+09,1.79570294596885704995e+09,1,NULL,1.79570294997485136985e+09,1.79570294598339891432e+09);
INSERT INTO "jobs" VALUES(9,'card','card:OnDZQRncQWuBPd0rsODsqvfY','OnDZQRncQWuBPd0rsODsqvfY','{}',2,1.79570294606774878503e+09,1.79570294608792257315e+09,1,NULL,1.79570295009088134767e+09,1.79570294609819388394e+09);
INSERT INTO "jobs" VALUES(10,'click','click:75db45a2a893cd3ebd25fe8d2556c152a92d73a9eccd76242d0cdff305c77f4e','OnDZQRncQWuBPd0rsODsqvfY','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/GDJ8VTUY9QABrizA", "installed_in": "T0HOME0001", "ts": "1795702946.000162"}',0,1.79570294607680654521e+09,1.79570294607680654521e+09,1,NULL,1.79570295007680654528e+09,1.79570294608298921578e+09);
INSERT INTO "jobs" VALUES(11,'target','target:OnDZQRncQWuBPd0rsODsqvfY:0','OnDZQRncQWuBPd0rsODsqvfY','{"place": 0, "clicked_at": 1795702946.0768065}',1,1.79570294608298921578e+09,1.79570294608298921578e+09,1,NULL,1.79570295008298921584e+09,1.79570294608792257315e+09);
INSERT INTO "jobs" VALUES(12,'notice','notice:OnDZQRncQWuBPd0rsODsqvfY:C0AUDIT001','OnDZQRncQWuBPd0rsODsqvfY','{"channel": "C0AUDIT001"}',3,1.79570294608792257315e+09,1.79570294608792257315e+09,1,NULL,1.79570295009088134767e+09,1.79570294609628510473e+09);
INSERT INTO "jobs" VALUES(13,'notice','notice:OnDZQRncQWuBPd0rsODsqvfY:U0RAVIREQ1','OnDZQRncQWuBPd0rsODsqvfY','{"channel": "U0RAVIREQ1"}',3,1.79570294608792257315e+09,1.79570294608792257315e+09,1,NULL,1.79570295009088134767e+09,1.79570294609732246404e+09);
INSERT INTO "jobs" VALUES(14,'card','card:-rZlZhHVewXrwVzrrrjrlLWz','-rZlZhHVewXrwVzrrrjrlLWz','{}',2,1.79570294618903613086e+09,1.79570295035033559798e+09,1,NULL,1.79570295435341978069e+09,1.79570295036536169055e+09);
INSERT INTO "jobs" VALUES(15,'click','click:19a2727296772cb2f2816204bbf93c5485bc6f4ac27c69c425d44108c8651c84','-rZlZhHVewXrwVzrrrjrlLWz','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/P-uDAQqGrZLgrd7k", "installed_in": "T0HOME0001", "ts": "1795702946.000199"}',0,1.7957029461962759495e+09,1.7957029461962759495e+09,1,NULL,1.79570295019627594948e+09,1.79570294620161342619e+09);
INSERT INTO "jobs" VALUES(16,'target','target:-rZlZhHVewXrwVzrrrjrlLWz:0','-rZlZhHVewXrwVzrrrjrlLWz','{"place": 0, "clicked_at": 1795702946.196276}',1,1.79570294620161342619e+09,1.79570294977204608912e+09,2,NULL,1.7957029539204657078e+09,1.79570295035033559798e+09);
INSERT INTO "jobs" VALUES(17,'notice','notice:-rZlZhHVewXrwVzrrrjrlLWz:C0AUDIT001','-rZlZhHVewXrwVzrrrjrlLWz','{"channel": "C0AUDIT001"}',3,1.79570295035033559798e+09,1.79570295035033559798e+09,1,NULL,1.79570295435341978069e+09,1.79570295036502027507e+09);
INSERT INTO "jobs" VALUES(18,'notice','notice:-rZlZhHVewXrwVzrrrjrlLWz:U0RAVIREQ1','-rZlZhHVewXrwVzrrrjrlLWz','{"channel": "U0RAVIREQ1"}',3,1.79570295035033559798e+09,1.79570295035033559798e+09,1,NULL,1.79570295435341978069e+09,1.79570295036516165733e+09);
INSERT INTO "jobs" VALUES(19,'card','card:x2OTpK--AoDi1I82rAWufc87','x2OTpK--AoDi1I82rAWufc87','{}',2,1.79570295036723470683e+09,1.79570295456846141819e+09,1,NULL,1.79570295857145977025e+09,1.79570295458048415178e+09);
INSERT INTO "jobs" VALUES(20,'click','click:3c54bd6125f50ce6da49dab76e00c14dda887573976fb8decdf402fc9832b5a5','x2OTpK--AoDi1I82rAWufc87','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/c8NT9XlGN844J4Js", "installed_in": "T0HOME0001", "ts": "1795702950.000248"}',0,1.79570295037317252161e+09,1.79570295037317252161e+09,1,NULL,1.79570295437317252159e+09,1.79570295037751865392e+09);
INSERT INTO "jobs" VALUES(21,'target','target:x2OTpK--AoDi1I82rAWufc87:0','x2OTpK--AoDi1I82rAWufc87','{"place": 0, "clicked_at": 1795702950.3731725}',1,1.79570295037751865392e+09,1.79570295393729972843e+09,2,NULL,1.79570295795996594427e+09,1.79570295456846141819e+09);
INSERT INTO "jobs" VALUES(22,'notice','notice:x2OTpK--AoDi1I82rAWufc87:C0AUDIT001','x2OTpK--AoDi1I82rAWufc87','{"channel": "C0AUDIT001"}',3,1.79570295456846141819e+09,1.79570295456846141819e+09,1,NULL,1.79570295857145977025e+09,1.79570295457940435407e+09);
INSERT INTO "jobs" VALUES(23,'notice','notice:x2OTpK--AoDi1I82rAWufc87:U0RAVIREQ1','x2OTpK--AoDi1I82rAWufc87','{"channel": "U0RAVIREQ1"}',3,1.79570295456846141819e+09,1.79570295456846141819e+09,1,NULL,1.79570295857145977025e+09,1.79570295457955431944e+09);
INSERT INTO "jobs" VALUES(24,'card','card:pSQN27HQd9VOr52MWHKu40_P','pSQN27HQd9VOr52MWHKu40_P','{}',2,1.79570295464543437961e+09,1.79570295466321134571e+09,1,NULL,1.79570295866538810723e+09,1.79570295467326760297e+09);
INSERT INTO "jobs" VALUES(25,'click','click:8824561fbd52303afd440bf523d86cfcf572114c8723128629c68d5d6ca1abea','pSQN27HQd9VOr52MWHKu40_P','{"action": "cancel", "user_id": "U0RAVIREQ1", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/zbIWiylby0Ji5WlA", "installed_in": "T0HOME0001", "ts": "1795702954.000291"}',0,1.79570295465633201605e+09,1.79570295465633201605e+09,1,NULL,1.79570295865633201598e+09,1.79570295466321134571e+09);
INSERT INTO "jobs" VALUES(26,'notice','notice:pSQN27HQd9VOr52MWHKu40_P:C0AUDIT001','pSQN27HQd9VOr52MWHKu40_P','{"channel": "C0AUDIT001"}',3,1.79570295466321134571e+09,1.79570295466321134571e+09,1,NULL,1.79570295866538810723e+09,1.79570295467213487624e+09);
INSERT INTO "jobs" VALUES(27,'notice','notice:pSQN27HQd9VOr52MWHKu40_P:U0RAVIREQ1','pSQN27HQd9VOr52MWHKu40_P','{"channel": "U0RAVIREQ1"}',3,1.79570295466321134571e+09,1.79570295466321134571e+09,1,NULL,1.79570295866538810723e+09,1.79570295467225551607e+09);
INSERT INTO "jobs" VALUES(28,'card','card:PbmKJPElLNRxmSDs9047ZYh2','PbmKJPElLNRxmSDs9047ZYh2','{}',2,1.79570295476995348926e+09,1.79570295476995348926e+09,1,NULL,1.79570295876995348932e+09,1.79570295478064584728e+09);
INSERT INTO "jobs" VALUES(29,'click','click:35ff8aaff591c8b6d7b4708876c5892c221abad303934946f26c123db5f20d9c','PbmKJPElLNRxmSDs9047ZYh2','{"action": "approve", "user_id": "U0RAVIREQ1", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/1cgMwYAvrQKNfYxg", "installed_in": "T0HOME0001", "ts": "1795702954.000322"}',0,1.79570295478405141825e+09,1.79570295478405141825e+09,1,NULL,1.79570295878405141831e+09,1.79570295478946399684e+09);
INSERT INTO "jobs" VALUES(30,'card','card:-AWnhZmF7SDBokz5MABMlreI','-AWnhZmF7SDBokz5MABMlreI','{}',2,1.79570295779902625084e+09,1.79570295779902625084e+09,1,NULL,1.79570296179902625082e+09,1.79570295781134176256e+09);
INSERT INTO "jobs" VALUES(31,'card','card:uoDjpHmB2Xen1NQtkIMBskht','uoDjpHmB2Xen1NQtkIMBskht','{}',2,1.7957029578208391666e+09,1.79570295883932757379e+09,0,NULL,1.79570296182083916666e+09,NULL);
INSERT INTO "jobs" VALUES(32,'click','click:52170e4b4eb405ba3cd1495c7bdb64cc70668267d69f28197f5b3f518274b20b','uoDjpHmB2Xen1NQtkIMBskht','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/ilc1pnjabQoY0xjw", "installed_in": "T0HOME0001", "ts": "1795702957.000351"}',0,1.79570295783211231234e+09,1.79570295783211231234e+09,1,NULL,1.79570296183211231227e+09,1.7957029578393275738e+09);
INSERT INTO "jobs" VALUES(33,'target','target:uoDjpHmB2Xen1NQtkIMBskht:0','uoDjpHmB2Xen1NQtkIMBskht','{"place": 0, "clicked_at": 1795702957.8321123}',1,1.7957029578393275738e+09,1.7957029578393275738e+09,1,'vm:15071#1460a6f2',1.79570296192479300504e+09,NULL);
INSERT INTO "jobs" VALUES(34,'click','click:806a9ddf8cebf55d57db298ee5fb423563bbee1b3d8c4b97fb884db0f38368e6','-AWnhZmF7SDBokz5MABMlreI','{"action": "approve", "user_id": "U0BENAPP01", "team_id": "T0HOME0001", "response_url": "http://127.0.0.1:40947/response/m73NO2Qx8yVsesa3", "installed_in": "T0HOME0001", "ts": "1795702957.000338"}',0,1.79570295884013366696e+09,1.79570295884013366696e+09,1,'vm:15071#1460a6f2',1.79570296284013366703e+09,NULL);
CREATE TABLE requests (
	id TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	ask_key TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	requester TEXT NOT NULL, 
	asked_in TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	needed INTEGER NOT NULL, 
	approvals TEXT NOT NULL, 
	decided_by TEXT, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	approved_at FLOAT, 
	finished_at FLOAT, 
	outcome TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	channel TEXT, 
	ts TEXT, 
	ask_url TEXT, 
	card_url TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (reference), 
	UNIQUE (ask_key)
);
INSERT INTO "requests" VALUES('H0lza0FsHyq3B7Bt-ksVZra4','TS4EXHU','45e5688b83ddbd001d1716a85eab2bffaab2e62bf0c5e1a84cac1718337be6b8','revoke','expired','U0RAVIREQ1','C0OPS00001','ends as expired',1,'[]',NULL,1.79570294187421345714e+09,1.79570294487421345704e+09,NULL,1.79570294489041733742e+09,'{}',2,'C0APPROVE1','1795702941.000100','http://127.0.0.1:40947/response/xE0aFUnZTXl2DzrG',NULL);
INSERT INTO "requests" VALUES('X7WaHOx82d2iJ5QmNwuWavM7','6XCUQUH','b95166e57255e29313f8c6ec4918e37248d814bffedc6062492a5eb512522534','revoke','revoked','U0RAVIREQ1','C0OPS00001','ends as revoked',1,'["U0BENAPP01"]','U0BENAPP01',1.79570294593999624254e+09,1.7957032459399962425e+09,1.79570294595987796784e+09,1.79570294596885704995e+09,'{"attempts": 1, "uncertain": false, "status": 200, "correlation_id": "9c5db0c4-f2da-4ec3-930b-4fa1c17540b7"}',3,'C0APPROVE1','1795702945.000127','http://127.0.0.1:40947/response/nCqKRqRgQAf8KQkR','http://127.0.0.1:40947/response/4ThsZ5mt5bq4C4F-');
INSERT INTO "requests" VALUES('OnDZQRncQWuBPd0rsODsqvfY','HWT2AZV','0f41bc8d659f1bb53fccf599b863f62d6a30249e69487c93dcbd15af937b06ed','revoke','refused','U0RAVIREQ1','C0OPS00001','ends as refused',1,'["U0BENAPP01"]','U0BENAPP01',1.79570294606774878503e+09,1.79570324606774878498e+09,1.79570294608298921578e+09,1.79570294608792257315e+09,'{"attempts": 1, "uncertain": false, "error": "GenesysForbidden", "status": 403, "code": "missing.permissions", "message": "You need a permission.", "correlation_id": "427fc926-1aa7-465d-8dcd-0d410e748c79", "permissions": []}',3,'C0APPROVE1','1795702946.000162','http://127.0.0.1:40947/response/iZFjxHKlvXBRGA-n','http://127.0.0.1:40947/response/GDJ8VTUY9QABrizA');
INSERT INTO "requests" VALUES('-rZlZhHVewXrwVzrrrjrlLWz','ED9DUYE','1a62db368c645aa23364124d26f8e8d4e4987bfaec4e8363b95e28da43cd4a24','revoke','failed','U0RAVIREQ1','C0OPS00001','ends as failed',1,'["U0BENAPP01"]','U0BENAPP01',1.79570294618903613086e+09,1.7957032461890361309e+09,1.79570294620161342619e+09,1.79570295035033559798e+09,'{"attempts": 2, "uncertain": false, "error": "GenesysBroken", "status": 503, "code": "service.unavailable", "message": "Service Unavailable - The server is currently unavailable.", "correlation_id": "e28a382c-607f-4855-aabb-e24960753dbb"}',4,'C0APPROVE1','1795702946.000199','http://127.0.0.1:40947/response/CHbIsa7NiBpcGxz_','http://127.0.0.1:40947/response/P-uDAQqGrZLgrd7k');
INSERT INTO "requests" VALUES('x2OTpK--AoDi1I82rAWufc87','48LUMHN','a69b4b55c7cc450a20b481ee7a5ee1b51f0aee8edc7d95531f7a7ce9f34b88a6','revoke','unknown','U0RAVIREQ1','C0OPS00001','ends as unknown',1,'["U0BENAPP01"]','U0BENAPP01',1.79570295036723470683e+09,1.79570325036723470691e+09,1.79570295037751865392e+09,1.79570295456846141819e+09,'{"attempts": 2, "uncertain": true, "error": "GenesysNoAnswer", "status": null, "code": null, "message": "Genesys Cloud was asked and did not answer; whether it acted is not known.", "correlation_id": null}',4,'C0APPROVE1','1795702950.000248','http://127.0.0.1:40947/response/DVJMzrpqhM2jJjpA','http://127.0.0.1:40947/response/c8NT9XlGN844J4Js');
INSERT INTO "requests" VALUES('pSQN27HQd9VOr52MWHKu40_P','VQSHUWW','b737c75d2988d9275f3fc0aae3e4595bbeb13274d3769274c7c0ae8ca3a43c6a','revoke','cancelled','U0RAVIREQ1','C0OPS00001','ends as cancelled',1,'[]','U0RAVIREQ1',1.79570295464543437961e+09,1.79570325464543437956e+09,NULL,1.79570295466321134571e+09,'{}',2,'C0APPROVE1','1795702954.000291','http://127.0.0.1:40947/response/0xwcVxrptt3AmJZR','http://127.0.0.1:40947/response/zbIWiylby0Ji5WlA');
INSERT INTO "requests" VALUES('PbmKJPElLNRxmSDs9047ZYh2','ZUFCYQ6','8579e344f3ddb314ae3425495e3f11793ce769f76936d360ad7d12c1c189aca8','revoke','pending','U0RAVIREQ1','C0OPS00001','waits',1,'[]',NULL,1.79570295476995348926e+09,1.79570325476995348934e+09,NULL,NULL,'{}',1,'C0APPROVE1','1795702954.000322','http://127.0.0.1:40947/response/wnujUp8kChi6eYZ_',NULL);
INSERT INTO "requests" VALUES('-AWnhZmF7SDBokz5MABMlreI','LUAJXDA','ba7b6b90b98923e3a8680d760d7e9d43e9bebefde292556078147e9aae78b7c2','revoke','pending','U0RAVIREQ1','C0OPS00001','clicked',1,'[]',NULL,1.79570295779902625084e+09,1.7957032577990262508e+09,NULL,NULL,'{}',1,'C0APPROVE1','1795702957.000338','http://127.0.0.1:40947/response/ddYsIQGHvbGud03o',NULL);
INSERT INTO "requests" VALUES('uoDjpHmB2Xen1NQtkIMBskht','2KR642F','829afbb5ba776bb9b18e0d4d03c0a835a1237a1d17b7b9ebc3ba3438771edfb0','revoke','approved','U0RAVIREQ1','C0OPS00001','executing',1,'["U0BENAPP01"]','U0BENAPP01',1.7957029578208391666e+09,1.79570325782083916668e+09,1.7957029578393275738e+09,NULL,'{}',2,'C0APPROVE1','1795702957.000351','http://127.0.0.1:40947/response/vI_bBx9_JmmdaA2v','http://127.0.0.1:40947/response/ilc1pnjabQoY0xjw');
CREATE INDEX requests_by_expiry ON requests (state, expires_at);
CREATE INDEX jobs_open ON jobs (prio, due_at) WHERE done_at IS NULL;
CREATE INDEX jobs_by_request ON jobs (request_id);
CREATE INDEX jobs_done ON jobs (done_at);
CREATE INDEX audit_by_request ON audit (request_id);
COMMIT;
